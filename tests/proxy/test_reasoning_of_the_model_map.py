"""Where LiteLLM's map is silent about reasoning, the catalogue says what LiteLLM does."""

import contextlib
import io
import logging
from collections.abc import Iterator

import litellm

from governance.catalog.reasoning import refused


def silent() -> Iterator[tuple[str, str, bool]]:
    """Name, provider, and whether LiteLLM refuses `reasoning_effort`."""
    logging.disable(logging.CRITICAL)
    try:
        for name, entry in litellm.model_cost.items():
            if entry.get("mode") not in ("chat", "responses") or entry.get("supports_reasoning") is not None:
                continue
            provider = entry.get("litellm_provider", "")
            with contextlib.redirect_stdout(io.StringIO()):
                params = litellm.get_supported_openai_params(
                    name.removeprefix(f"{provider}/"), custom_llm_provider=provider
                )
            if params is not None:
                yield name, provider, "reasoning_effort" not in params
    finally:
        logging.disable(logging.NOTSET)


def test_what_litellm_refuses_is_denied_and_what_it_passes_on_is_not() -> None:
    models = list(silent())
    wrong = [(name, refuses) for name, provider, refuses in models if refused(name, provider) != refuses]

    assert len(models) > 500
    assert len(wrong) <= len(models) // 50, wrong
