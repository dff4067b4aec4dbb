"""The profiles that come with the plugin: which models serve which task, the first that can before the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# A task may be called so; a policy may add others.
TASKS: Final = ("code", "general", "fast", "creative", "analysis", "reasoning")

# Which other chain serves a task for which a profile has none. What has no stand-in goes to the fallback.
STANDS_IN: Final = {"reasoning": "analysis"}

_SONNET, _HAIKU, _OPUS = "anthropic/claude-sonnet-4-5", "anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-5"
_GPT, _GPT_MINI, _GPT_REASONING = "openai/gpt-4o", "openai/gpt-4o-mini", "openai/gpt-5.2"
_FLASH, _PRO = "gemini/gemini-2.5-flash", "gemini/gemini-2.5-pro"

PRESETS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "eco": {
        "code": (_GPT_MINI, _FLASH, _HAIKU),
        "general": (_GPT_MINI, _FLASH),
        "fast": (_FLASH, _GPT_MINI),
        "creative": (_GPT_MINI, _FLASH),
        "analysis": (_FLASH, _GPT_MINI),
        "reasoning": (_FLASH, _GPT_MINI),
        "fallback": (_GPT_MINI,),
    },
    "balanced": {
        "code": (_SONNET, _GPT, _FLASH),
        "general": (_GPT, _HAIKU),
        "fast": (_FLASH, _GPT_MINI),
        "creative": (_SONNET, _GPT),
        "analysis": (_GPT, _SONNET, _FLASH),
        "reasoning": (_SONNET, _GPT_REASONING, _GPT),
        "fallback": (_GPT_MINI,),
    },
    "premium": {
        "code": (_OPUS, _SONNET, _GPT_REASONING),
        "general": (_SONNET, _GPT),
        "fast": (_SONNET, _GPT),
        "creative": (_OPUS, _SONNET, _GPT),
        "analysis": (_OPUS, _PRO, _GPT_REASONING),
        "reasoning": (_OPUS, _GPT_REASONING, _PRO),
        "fallback": (_GPT,),
    },
}
