"""Whether a target can serve at all."""

from __future__ import annotations

from dataclasses import replace

from governance.catalog import Catalog, screen
from governance.model import Rejection, Request, Target
from governance.model.codes import TARGET_DISABLED

CATALOG = Catalog(
    [{"model_name": "openai/*"}, {"model_name": "groq/small"}],
    {
        "openai/seeing": {"litellm_provider": "openai", "supports_vision": True, "max_input_tokens": 100},
        "openai/blind": {"litellm_provider": "openai", "supports_vision": False},
    },
)
SEE = Request("x", capabilities=frozenset({"vision"}), models=CATALOG)
PLAIN = Request("x", models=CATALOG)


def reason(request: Request, target: Target) -> tuple[str, str] | None:
    rejected = screen(request, target).rejected
    return (rejected.code, rejected.detail) if rejected else None


def test_a_target_that_can_serve_comes_back_as_it_is() -> None:
    target = Target("openai/seeing")

    assert screen(SEE, target) == target
    assert screen(PLAIN, target) == target


def test_a_reason_that_was_found_before_stays() -> None:
    target = Target("nowhere/x", rejected=Rejection(TARGET_DISABLED))

    assert screen(SEE, target) is target


def test_every_capability_that_is_needed_must_be_there() -> None:
    both = replace(SEE, capabilities=frozenset({"vision", "tools"}))

    assert reason(both, Target("openai/seeing")) == (
        "capability_mismatch",
        "needs tools, has structured_output, text, vision",
    )
    assert reason(SEE, Target("openai/blind")) == (
        "capability_mismatch",
        "needs vision, has structured_output, text",
    )


def test_what_the_policy_says_of_a_target_beats_the_catalogue() -> None:
    assert reason(SEE, Target("openai/blind", frozenset({"vision"}))) is None
    assert reason(SEE, Target("openai/seeing", frozenset())) == ("capability_mismatch", "needs vision, has text")


def test_text_and_streaming_are_always_offered() -> None:
    stream = Request("x", capabilities=frozenset({"streaming", "text"}), models=CATALOG)

    assert reason(stream, Target("openai/blind", frozenset())) is None


def test_unknown_capabilities_pass_with_a_remark() -> None:
    assert screen(SEE, Target("openai/unheard-of")).note == "capabilities unknown"
    assert screen(PLAIN, Target("openai/unheard-of")).note == ""


def test_a_prompt_longer_than_the_model_takes_is_told_with_both_numbers() -> None:
    assert reason(replace(PLAIN, prompt_tokens=100), Target("openai/seeing")) is None
    assert reason(replace(PLAIN, prompt_tokens=1_001), Target("openai/seeing")) == (
        "context_window_exceeded",
        "about 1,001 prompt tokens, takes 100",
    )


def test_a_model_that_the_proxy_does_not_serve_is_not_configured() -> None:
    assert reason(PLAIN, Target("groq/large")) == ("not_configured", "the proxy serves no model `groq/large`")
    assert reason(PLAIN, Target("groq/small")) is None


def test_reasons_are_found_in_the_order_of_the_policy_reference() -> None:
    long = replace(SEE, prompt_tokens=1_000)

    assert reason(long, Target("openai/seeing", frozenset()))[0] == "capability_mismatch"
    assert reason(long, Target("openai/seeing"))[0] == "context_window_exceeded"
    assert reason(SEE, Target("groq/large", frozenset()))[0] == "capability_mismatch"


def test_where_nothing_is_known_everything_passes() -> None:
    unknown = Request("x", capabilities=frozenset({"vision"}), prompt_tokens=10**9)

    assert screen(unknown, Target("any/thing")) == Target("any/thing", note="capabilities unknown")


def test_a_target_that_makes_shorter_answers_than_are_allowed_cannot_serve() -> None:
    catalog = Catalog(
        [{"model_name": "openai/*"}], {"openai/m": {"litellm_provider": "openai", "max_output_tokens": 8_192}}
    )
    target = Target("openai/m")

    def allowing(tokens: int, **more: object) -> Request:
        return Request("x", max_output_tokens=tokens, models=catalog).but(**more)

    assert reason(allowing(8_192), target) is None
    assert reason(allowing(8_193), target) == (
        "output_limit_exceeded",
        "allows 8,193 output tokens, makes 8,192",
    )
    assert reason(allowing(8_193, request_type="embedding"), target) is None
    assert screen(allowing(8_193, clamped=True), target).note.startswith("allows 8,193 output tokens")


def test_silence_about_reasoning_is_a_no_where_litellm_itself_refuses() -> None:
    chat = {"mode": "chat"}
    known = {f"{provider}/m": {"litellm_provider": provider, **chat} for provider in ("openai", "ollama")}
    known["azure/gpt-5"] = {"litellm_provider": "azure", **chat}
    catalog = Catalog([{"model_name": "*/*"}], known)
    thinks = Request("x", capabilities=frozenset({"reasoning"}), models=catalog)

    assert reason(thinks, Target("openai/m")) == ("capability_mismatch", "needs reasoning, has structured_output, text")
    assert screen(thinks, Target("ollama/m")).rejected is None
    assert screen(thinks, Target("azure/gpt-5")).rejected is None
    assert screen(thinks, Target("openai/m", frozenset({"reasoning"}))).rejected is None
