"""The profiles that come with the plugin: which models serve which task, the first that can before the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# A task may be called so; a policy may add others.
TASKS: Final = ("code", "general", "fast", "creative", "analysis", "reasoning")

# Which other chain serves a task for which a profile has none. What has no stand-in goes to the fallback.
STANDS_IN: Final = {"reasoning": "analysis"}

Preset = Mapping[str, Mapping[str, tuple[str, ...]]]

_OPUS, _SONNET, _HAIKU = "anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5"
_SOL, _TERRA, _LUNA = "openai/gpt-6.1-sol", "openai/gpt-6.1-terra", "openai/gpt-6-luna"
_PRO, _FLASH, _LITE = "gemini/gemini-4-argon", "gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite"

CURRENT: Final[Preset] = {
    "eco": {
        "code": (_LUNA, _HAIKU, _LITE, _FLASH),
        "general": (_LUNA, _HAIKU, _LITE),
        "fast": (_LUNA, _HAIKU, _LITE),
        "creative": (_HAIKU, _LUNA, _LITE),
        "analysis": (_LUNA, _HAIKU, _LITE),
        "reasoning": (_LUNA, _HAIKU, _LITE, _FLASH),
        "fallback": (_LUNA,),
    },
    "balanced": {
        "code": (_SONNET, _SOL, _FLASH),
        "general": (_TERRA, _FLASH, _HAIKU),
        "fast": (_HAIKU, _LUNA, _LITE),
        "creative": (_SONNET, _TERRA),
        "analysis": (_TERRA, _SONNET, _FLASH),
        "reasoning": (_SONNET, _SOL, _PRO),
        "fallback": (_LUNA,),
    },
    "premium": {
        "code": (_OPUS, _SONNET, _SOL),
        "general": (_SONNET, _SOL),
        "fast": (_SONNET, _TERRA),
        "creative": (_OPUS, _SONNET, _SOL),
        "analysis": (_OPUS, _PRO, _SOL),
        "reasoning": (_OPUS, _SOL, _PRO),
        "fallback": (_TERRA,),
    },
}

# What these profiles were in 2025, for who has settled in them; who is switched off by now is passed over.
_OPUS_45, _SONNET_45, _HAIKU_45 = (
    "anthropic/claude-opus-4-5",
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-haiku-4-5",
)
_GPT_4O, _GPT_4O_MINI, _O3 = "openai/gpt-4o", "openai/gpt-4o-mini", "openai/o3"
_FLASH_20, _LLAMA = "gemini/gemini-2.0-flash", "ollama/llama3.1:70b"

CLASSIC: Final[Preset] = {
    "eco": {
        "code": (_FLASH_20, _GPT_4O_MINI, _LLAMA),
        "general": (_GPT_4O_MINI, _FLASH_20),
        "fast": (_FLASH_20, _GPT_4O_MINI),
        "creative": (_FLASH_20, _GPT_4O_MINI),
        "analysis": (_FLASH_20, _GPT_4O_MINI),
        "fallback": (_GPT_4O_MINI,),
    },
    "balanced": {
        "code": (_SONNET_45, _GPT_4O, _FLASH_20),
        "general": (_GPT_4O, _HAIKU_45),
        "fast": (_FLASH_20, _GPT_4O_MINI),
        "creative": (_SONNET_45, _GPT_4O),
        "analysis": (_SONNET_45, _GPT_4O),
        "fallback": (_GPT_4O_MINI,),
    },
    "premium": {
        "code": (_OPUS_45, _GPT_4O, _O3),
        "general": (_OPUS_45, _GPT_4O),
        "fast": (_SONNET_45, _GPT_4O),
        "creative": (_OPUS_45, _GPT_4O),
        "analysis": (_OPUS_45, _O3),
        "fallback": (_SONNET_45,),
    },
}
PRESETS: Final[Mapping[str, Preset]] = {"current": CURRENT, "classic": CLASSIC}
