"""Names that LiteLLM reads as a provider; a virtual provider may use none of them.

Source: `litellm.provider_list` and llms/openai_like/providers.json of LiteLLM 1.110.2. Kept here so that a policy can
be checked without LiteLLM; a test holds it against the installed version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# fmt: off
PROVIDERS: Final = frozenset({
    "a2a", "a2a_agent", "abliteration", "ai21", "ai21_chat", "aiand", "aihubmix", "aiml", "aiohttp_openai",
    "amazon_nova", "anthropic", "anthropic_text", "apertis", "assemblyai", "auto_router", "aws_polly",
    "aws_textract", "azure", "azure_ai", "azure_speech", "azure_text", "baseten", "bedrock", "bedrock_mantle",
    "bespoke", "bigmodel", "black_forest_labs", "bytez", "cerebras", "charity_engine", "chatgpt", "chutes",
    "clarifai", "clf_ai_gateway", "cloudflare", "codestral", "cognition", "cohere", "cohere_chat", "cometapi",
    "compactifai", "coralbricks", "cortecs", "crusoe", "cursor", "custom", "custom_openai", "darkbloom",
    "dashscope", "databricks", "databricks_agent", "datarobot", "deepgram", "deepinfra", "deepseek",
    "docker_model_runner", "dotprompt", "edenai", "elevenlabs", "empiriolabs", "empower", "eu_jev", "fal_ai",
    "featherless_ai", "fireworks_ai", "friendliai", "galadriel", "gdc", "gemini", "gigachat", "github",
    "github_copilot", "gmi", "gradient_ai", "groq", "helicone", "heroku", "hosted_vllm", "hostinger_router",
    "huggingface", "humanloop", "hyperbolic", "inception", "inferenceapis", "infinity", "jina_ai", "kyma",
    "lambda_ai", "langflow", "langfuse", "langgraph", "laya", "lemonade", "libertai", "litellm_agent",
    "litellm_proxy", "llamafile", "llamagate", "lm_studio", "manus", "maritalk", "meta", "meta_llama",
    "microsoft_365_copilot", "milvus", "minimax", "mistral", "modelscope", "mongodb", "moonshot", "morph", "nace",
    "nadir", "nano-gpt", "nebius", "neosantara", "nlp_cloud", "novita", "nscale", "nvidia_nim", "nvidia_riva",
    "oci", "ollama", "ollama_chat", "oobabooga", "openai", "openai_like", "opencode_go", "openinfer", "openrouter",
    "opensearch", "ovhcloud", "parallel_ai", "parasail", "perplexity", "petals", "pg_vector", "pinstripes", "poe",
    "predibase", "prism", "publicai", "qwen_ai_platform", "qwencloud", "ragflow", "recraft", "reducto",
    "refuseless", "reka", "replicate", "runwayml", "s3_vectors", "sagemaker", "sagemaker_chat", "sagemaker_nova",
    "sail", "sambanova", "sap", "sarvam", "scaledown", "scaleway", "scx-ai", "snowflake", "soniox", "stability",
    "strands_decider", "streamlake", "synthetic", "tencent", "tensormesh", "text-completion-codestral",
    "text-completion-inception", "text-completion-openai", "together_ai", "topaz", "transcribe", "triton",
    "typesafe", "v0", "valkey", "veniceai", "vercel_ai_gateway", "vertex_ai", "vertex_ai_beta", "vllm",
    "volcengine", "voyage", "wally", "wandb", "watsonx", "watsonx_text", "xai", "xiaomi_mimo", "xinference", "zai",
    "zerogpu",
})
# fmt: on


def provider_and_model(name: str) -> tuple[str, str]:
    """`openai/gpt-4o` -> `openai` and `gpt-4o`; without the name of a provider in front, all of it is the model."""
    prefix, slash, model = name.partition("/")
    return (prefix, model) if slash and prefix in PROVIDERS else ("", name)


def provider_of(model: str, prices: Mapping[str, Any]) -> str:
    """The provider that LiteLLM's model map names for a bare model name; "" when it names none.

    >>> provider_of("gpt-4o", {"gpt-4o": {"litellm_provider": "openai"}})
    'openai'
    """
    entry = prices.get(model)
    named = str(entry.get("litellm_provider", "")) if isinstance(entry, Mapping) else ""
    # The map also knows branches of a provider: vertex_ai-language-models, bedrock_converse.
    for provider in (named, named.partition("-")[0], named.partition("_")[0]):
        if provider in PROVIDERS:
            return provider
    return ""
