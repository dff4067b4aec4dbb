"""Whose a deployment is by the address that it calls, where its model's name has no provider."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

# Host and path by which LiteLLM 1.110.2 knows a provider (litellm_core_utils/get_llm_provider_logic.py), in its order.
# Those of its list whose provider it then does not name are left out; a test holds this against the installed version.
KNOWN_ADDRESSES: Final = {
    "api.perplexity.ai": "perplexity",
    "api.endpoints.anyscale.com/v1": "anyscale",
    "api.deepinfra.com/v1/openai": "deepinfra",
    "api.clfaigateway.dev/v1": "clf_ai_gateway",
    "api.mistral.ai/v1": "mistral",
    "codestral.mistral.ai/v1/chat/completions": "codestral",
    "codestral.mistral.ai/v1/fim/completions": "text-completion-codestral",
    "api.groq.com/openai/v1": "groq",
    "integrate.api.nvidia.com/v1": "nvidia_nim",
    "api.getnadir.com/v1": "nadir",
    "api.deepseek.com/v1": "deepseek",
    "api.together.ai/v1": "together_ai",
    "api.together.xyz/v1": "together_ai",
    "app.empower.dev/api/v1": "empower",
    "api.friendli.ai/serverless/v1": "friendliai",
    "ollama.com": "ollama",
    "api-inference.modelscope.cn/v1": "modelscope",
    "api.publicai.co/v1": "publicai",
    "api.aiand.com/v1": "aiand",
    "api.synthetic.new/openai/v1": "synthetic",
    "serverless.tensormesh.ai/v1": "tensormesh",
    "api.stima.tech/v1": "apertis",
    "nano-gpt.com/api/v1": "nano-gpt",
    "api.poe.com/v1": "poe",
    "llm.chutes.ai/v1": "chutes",
    "api.v0.dev/v1": "v0",
    "api.lambda.ai/v1": "lambda_ai",
    "api.inceptionlabs.ai/v1": "inception",
    "api.hyperbolic.xyz/v1": "hyperbolic",
    "ai-gateway.helicone.ai": "helicone",
    "ai-gateway.vercel.sh/v1": "vercel_ai_gateway",
    "api.edenai.run/v3": "edenai",
    "api.inference.wandb.ai/v1": "wandb",
    "api.libertai.io/v1": "libertai",
    "pinstripes.io/v1": "pinstripes",
    "api.meta.ai/v1": "meta",
    "api.sailresearch.com/v1": "sail",
    "api.cognition.ai/v1": "cognition",
    "inference.coralbricks.ai/v1": "coralbricks",
    "api.cortecs.ai/v1": "cortecs",
    "api.scx.ai/v1": "scx-ai",
    "api.prisminference.com/v1": "prism",
    "api.reka.ai/v1": "reka",
    "inference.runanywhere.ai/v1": "wally",
    "gigachat.devices.sberbank.ru/api/v1": "gigachat",
    "api.openinfer.ai/v1": "openinfer",
    "vanchin.streamlake.ai/api/gateway/v1/endpoints": "streamlake",
}


def provider_at(address: str) -> str:
    """The provider that LiteLLM knows by this `api_base`; "" where it knows none.

    >>> provider_at("https://api.groq.com/openai/v1/")
    'groq'
    """
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        return _provider_at(parts)
    except ValueError:
        return ""


def _provider_at(parts: SplitResult) -> str:
    steps = [step for step in (parts.hostname or "", *parts.path.strip("/").split("/")) if step]
    paths = ("/".join(steps[:length]) for length in range(len(steps), 0, -1))
    return next((KNOWN_ADDRESSES[path] for path in paths if path in KNOWN_ADDRESSES), "")
