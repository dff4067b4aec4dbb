"""Whether LiteLLM passes `reasoning_effort` on to a model of which its map does not say that it reasons.

For most providers it does not: it refuses the request before the provider sees it. For some it passes it on for every
model, and some models it knows by their names; tests/proxy/test_reasoning_of_the_model_map.py compares.
"""

from __future__ import annotations

import re
from typing import Final

# Seen in 1.110: `get_supported_openai_params` names it for every model of these.
_PASSED_ON: Final = frozenset(
    {"deepseek", "dashscope", "qwencloud", "qwen_ai_platform", "databricks", "baseten", "amazon_nova", "inception"}
    | {"ollama", "ollama_chat", "watsonx", "streamlake", "gemini", "oci"}
)
_OPENAI: Final = re.compile(r"(^|/)(gpt-5(?!-chat$)|o[134](-|$))|codex", re.IGNORECASE)
_BY_NAME: Final = {
    "azure": _OPENAI,
    "chatgpt": _OPENAI,
    "github_copilot": _OPENAI,
    "openai": re.compile(r"^ft:"),
    "fireworks_ai": re.compile(r"deepseek-(r1-0528-distill|v4)|glm-5", re.IGNORECASE),
    "perplexity": re.compile(r"xai/grok"),
    "together_ai": re.compile(r"deepseek-v4|nemotron-3|gpt-oss-20b", re.IGNORECASE),
    "bedrock_converse": re.compile(r"gpt-oss"),
}


def refused(model: str, provider: str) -> bool:
    """Whether LiteLLM refuses to ask this model to reason, where its map is silent.

    Args:
        provider: LiteLLM's, of the entry in its map.
    """
    if provider in _PASSED_ON:
        return False
    named = _BY_NAME.get(provider)
    return named is None or named.search(model) is None
