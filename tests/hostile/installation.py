"""What is attacked: a policy with callers of every kind, and a LiteLLM with everything that leads to a provider."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from tests.hostile.recorder import Recorder

COOLING_S: Final = 30
MASTER_KEY: Final = "sk-master-of-the-hostile-walk-zqx7d1f"
OPERATORS_KEY: Final = "operators-key-of-{}-zqx4c9e"
# A part of each secret, as it would show wherever the whole does.
SECRETS: Final = ("zqx4c9e", "zqx7d1f", "in-the-environment-b83a")
_ENVIRONMENT_SECRET: Final = "secret-in-the-environment-b83a"

# `{url}` is the recorder's. Names as LiteLLM's pass-through routes read them.
_BASES: Final = {
    "OPENAI_API_BASE": "{url}/openai/v1",
    "ANTHROPIC_API_BASE": "{url}/anthropic",
    "GEMINI_API_BASE": "{url}/gemini",
    "COHERE_API_BASE": "{url}/cohere",
    "MISTRAL_API_BASE": "{url}/mistral/v1",
    "OPENROUTER_API_BASE": "{url}/openrouter/v1",
    "VLLM_API_BASE": "{url}/vllm",
    "AZURE_API_BASE": "{url}/azure",
    "AZURE_AI_API_BASE": "{url}/azure_ai",
    "AZURE_SPEECH_API_BASE": "{url}/azure_speech",
    "NVIDIA_NIM_API_BASE": "{url}/nvidia_nim/v1",
    "CURSOR_API_BASE": "{url}/cursor",
    "TYPESAFE_API_BASE": "{url}/typesafe",
    "EU_JEV_API_BASE": "{url}/eu_jev",
    "DEEPGRAM_API_BASE": "{url}/deepgram",
    "GIGACHAT_API_BASE": "{url}/gigachat",
    "WATSONX_API_BASE": "{url}/watsonx",
    "LANGFUSE_HOST": "{url}/langfuse",
    "AWS_BEDROCK_RUNTIME_ENDPOINT": "{url}/bedrock",
    "GROQ_API_BASE": "{url}/groq/v1",
}
_KEYS: Final = (
    *[
        "OPENAI",
        "ANTHROPIC",
        "GEMINI",
        "COHERE",
        "MISTRAL",
        "OPENROUTER",
        "VLLM",
        "AZURE",
        "AZURE_AI",
        "AZURE_SPEECH",
        "NVIDIA_NIM",
        "CURSOR",
        "TYPESAFE",
    ],
    *[
        "EU_JEV",
        "DEEPGRAM",
        "GIGACHAT",
        "WATSONX",
        "ASSEMBLYAI",
        "FAL_AI",
        "TINYFISH",
        "GROQ",
        "HOSTED_VLLM",
        "JINA_AI",
    ],
)
_PROVIDERS: Final = {
    **{name: f"{{url}}/{name}/v1" for name in ("cerebras", "groq", "openai", "hosted_vllm", "mistral")},
    "anthropic": "{url}/anthropic",
    "gemini": "{url}/gemini/v1beta",
    "cohere": "{url}/cohere",
    "bedrock": "{url}/bedrock",
    "azure": "{url}/azure",
}


def key(name: str) -> str:
    """The key of one of the policy's callers."""
    return f"sk-gov-{name}-of-the-hostile-walk"


def _entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(key(name).encode()).hexdigest(), **fields}


def _profile(name: str, *providers: str) -> dict[str, Any]:
    limits = {"requests": "1M/day", "tokens": "1000M/day"}
    targets = [{"provider": p, "priority": n, "limits": limits} for n, p in enumerate(providers, 1)]
    return {"name": name, "virtual_provider": name, "targets": targets}


POLICY: Final[dict[str, Any]] = {
    "version": 1,
    "access": {"require_key": True, "body": {"timeout": "1s..5s"}},
    "keys": [
        _entry("spent", team="spent"),
        _entry("listed", team="listed", models=["allowed/*"]),
        _entry("rich", team="rich", models=["two/*"]),
        _entry("canary", team="canary"),
        _entry("unbound", team="unbound"),
    ],
    "failover": {
        "cool_down": dict.fromkeys(
            ("rate_limited", "overloaded", "server_error", "auth", "timeout", "unknown"), f"{COOLING_S}s"
        )
    },
    "routing_profiles": [
        _profile("two", "cerebras", "groq"),
        _profile("foreign", "anthropic", "cerebras"),
        _profile("googled", "gemini", "cerebras"),
        _profile("allowed", "cerebras"),
    ],
    "rate_limits": [
        {"name": "spent", "subject": {"team": "spent"}, "requests": "1/day"},
        {
            "name": "rich",
            "subject": {"team": "rich"},
            "requests": "10M/day",
            "tokens": "10000M/day",
            "concurrent": 1000,
        },
    ],
    "budgets": [
        {
            "name": "money",
            "subject": {"team": "spent"},
            "amount": "0.001 USD/day",
            "unpriced": {"assume": {"input": "3 USD/1M", "output": "15 USD/1M"}},
        },
    ],
    "routing_rules": [
        {
            "name": "secret",
            "cel_expression": 'headers["x-walk"] == "${WALK_SECRET}"',
            "refuse": {"status": 403, "message": "found"},
        },
    ],
    "telemetry": {"decision_log": {"headers": ["x-walk"]}, "metrics": {"subjects": True}},
}


def configuration(url: str) -> dict[str, Any]:
    """LiteLLM's file, with everything that leads to a provider."""
    models = [
        {
            "model_name": f"{name}/*",
            "litellm_params": {
                "model": f"{name}/*",
                "api_key": OPERATORS_KEY.format(name),
                "api_base": base.format(url=url),
            }
            | (
                {
                    "aws_access_key_id": "AKIAWALK",
                    "aws_secret_access_key": OPERATORS_KEY.format("aws"),
                    "aws_region_name": "us-east-1",
                    "aws_bedrock_runtime_endpoint": base.format(url=url),
                }
                if name == "bedrock"
                else {}
            ),
        }
        for name, base in _PROVIDERS.items()
    ]
    files = [
        {"custom_llm_provider": "openai", "api_base": f"{url}/openai/v1", "api_key": OPERATORS_KEY.format("files")},
    ]
    passing = [
        {"path": "/raw/chat", "target": f"{url}/openai/v1/chat/completions", "auth": True},
        {
            "path": "/raw/any",
            "target": f"{url}/elsewhere",
            "auth": True,
            "include_subpath": True,
            "headers": {"authorization": f"Bearer {OPERATORS_KEY.format('raw')}"},
        },
    ]
    return {
        "model_list": models,
        "files_settings": files,
        "finetune_settings": files,
        "search_tools": [
            {
                "search_tool_name": "web",
                "litellm_params": {
                    "search_provider": "tavily",
                    "api_base": f"{url}/tavily",
                    "api_key": OPERATORS_KEY.format("search"),
                },
            }
        ],
        "mcp_servers": {"tools": {"url": f"{url}/mcp", "transport": "http", "auth_type": "none"}},
        "vector_store_registry": [
            {
                "vector_store_name": "shelf",
                "litellm_params": {
                    "vector_store_id": "shelf",
                    "custom_llm_provider": "openai",
                    "api_base": f"{url}/openai/v1",
                    "api_key": OPERATORS_KEY.format("shelf"),
                },
            }
        ],
        "litellm_settings": {
            "callbacks": ["governance.proxy.callback.handler"],
            "request_timeout": 20,
            "num_retries": 0,
        },
        "router_settings": {"num_retries": 0},
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "governance.proxy.auth.user_api_key_auth",
            "pass_through_endpoints": passing,
        },
    }


def environment(recorder: Recorder) -> dict[str, str]:
    bases = {name: base.format(url=recorder.url) for name, base in _BASES.items()}
    keys = {f"{name}_API_KEY": OPERATORS_KEY.format(name.lower()) for name in _KEYS}
    aws = {
        "AWS_ACCESS_KEY_ID": "AKIAWALK",
        "AWS_SECRET_ACCESS_KEY": OPERATORS_KEY.format("aws"),
        "AWS_REGION_NAME": "us-east-1",
    }
    tokens = dict.fromkeys(("WATSONX_TOKEN", "GIGACHAT_ACCESS_TOKEN"), OPERATORS_KEY.format("token"))
    langfuse = {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": OPERATORS_KEY.format("langfuse")}
    outside = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), recorder.outside)
    local = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return {**bases, **keys, **aws, **tokens, **langfuse, **outside, **local, "WALK_SECRET": _ENVIRONMENT_SECRET}
