"""What the user has said so far, in every API's shape, and which tools are there and still to be answered."""

from __future__ import annotations

from typing import Any

import pytest

from governance.intake.read import read_request
from governance.intake.speech import HEAD_CHARACTERS, TAIL_CHARACTERS, spoken
from governance.intake.talk import MOST_TURNS, talk_of


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


ANSWER = {"role": "assistant", "content": "no"}
REMINDER = "<system-reminder>\nWrite a poem\n</system-reminder>"


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "system", "content": "no"}, user("Fix it"), ANSWER, user("thanks")]},
        {"messages": [user("Fix it"), ANSWER, {"role": "tool", "content": "no"}, ANSWER, user("thanks")]},
        {"messages": [user([{"type": "text", "text": REMINDER}, {"type": "text", "text": "Fix it"}]), user("thanks")]},
        {"messages": [user(f"{REMINDER}\nFix it"), user([{"type": "tool_result", "content": "no"}]), user("thanks")]},
        {"messages": [user(f"Fix it\n\n{REMINDER}{REMINDER}"), user("/compact"), user(f"thanks{REMINDER}")]},
        {"messages": [user("Fix it"), user("[Request interrupted by user for tool use]"), user("thanks")]},
        {"messages": [user("[Request interrupted by user]Fix it"), user([{"type": "text", "text": "thanks"}])]},
        {
            "messages": [
                user("<user_query>\nFix it\n</user_query>"),
                user("<environment_details>x</environment_details>thanks"),
            ]
        },
        {
            "messages": [
                user("Fix it"),
                user("<command-name>/clear</command-name><command-args></command-args>"),
                user("thanks"),
            ]
        },
        {"input": [user("Fix it"), {"type": "function_call_output", "output": "no"}, ANSWER, user("thanks")]},
        {
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "no"}]},
                {"type": "function_call", "call_id": "a", "name": "shell", "arguments": "no"},
                user([{"type": "input_text", "text": "thanks"}]),
            ],
        },
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Fix it"}]},
                {"role": "model", "parts": [{"text": "no"}]},
                user("thanks"),
            ]
        },
    ],
)
def test_what_a_person_typed_is_found_turn_by_turn_in_every_shape(body: dict[str, Any]) -> None:
    assert talk_of(body)[:2] == (("thanks", "Fix it"), True)


@pytest.mark.parametrize(
    "text",
    [
        "/compact",
        "/model opus",
        " /clear ",
        "/code-review the parser please",
        REMINDER,
        f"{REMINDER}\n{REMINDER}",
        "",
        "[Request interrupted by user]",
        "<bash-input>ls</bash-input><bash-stdout>a</bash-stdout>",
        "<system-reminder>cut off",
        "# AGENTS.md instructions for /repo\n\n<INSTRUCTIONS>\nUse tabs\n</INSTRUCTIONS>",
    ],
)
def test_what_a_client_says_in_a_users_name_is_no_turn(text: str) -> None:
    assert spoken(text) == ""
    assert talk_of({"messages": [user(text)]}).turns == ()


@pytest.mark.parametrize(
    "text",
    [
        "/etc is full, what can I delete?",
        "/usr/bin/python fails",
        "/api/v1/users gives 500",
        "<div>\nwhy is this red?\n</div>",
        "what does <system-reminder> mean",
        "[Request] is a class",
        "/" + "very long " * 20,
        "/a\nb",
        "a < b and b > c?",
    ],
)
def test_what_only_looks_like_it_is_kept(text: str) -> None:
    assert spoken(text) == text.strip()


def test_a_summary_in_place_of_what_was_said_is_read_from_what_was_wanted() -> None:
    text = (
        "This session is being continued from a previous conversation that ran out of context. Analysis: a story.\n"
        "1. Primary Request and Intent:\n   Fix the parser"
    )

    assert spoken(text) == "Fix the parser"


def test_the_last_turns_are_read_and_the_first_one() -> None:
    talk = talk_of({"messages": [*(user(f"turn {i}") for i in range(1000))]})

    assert talk.turns == (*(f"turn {i}" for i in range(999, 999 - MOST_TURNS, -1)), "turn 0")
    assert talk.first


def test_a_conversation_that_is_kept_elsewhere_has_no_first_turn_here() -> None:
    assert not talk_of({"input": "go on", "previous_response_id": "resp_1"}).first
    assert not talk_of({"input": [user("go on")], "previous_response_id": "resp_1"}).first
    assert talk_of({"input": "go on"}).first


def test_of_very_long_texts_the_beginning_and_the_end_are_read() -> None:
    long = f"{REMINDER} begin {'x' * 10_000_000} end {REMINDER}"
    (text,) = talk_of({"messages": [user(long)]}).turns

    assert (text[:5], text[-3:]) == ("begin", "end")
    assert len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS + 1


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ([{"type": "function", "function": {"name": "Bash"}}], ("bash",)),
        ([{"name": "Edit", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}], ("edit", "bash")),
        (
            [{"type": "function", "name": "mcp__files__read_file"}, {"type": "local_shell"}],
            ("read_file", "local_shell"),
        ),
        ([{"functionDeclarations": [{"name": "grep"}, None]}], ("grep",)),
        ([None, 1, {"name": 5}, {"function": {"name": []}}, []], ("", "")),
        ("bash", ()),
    ],
)
def test_tools_are_known_by_their_own_names_in_every_shape(tools: Any, names: tuple[str, ...]) -> None:
    assert talk_of({"messages": [user("x")], "tools": tools}).tools == names


def called(*ids: str) -> dict[str, Any]:
    calls = [{"id": id, "type": "function", "function": {"name": "bash", "arguments": "{}"}} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def used(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "bash", "input": {}} for id in ids]}


def result(id: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": "x"}


@pytest.mark.parametrize(
    ("said", "calling"),
    [
        ([user("x")], False),
        ([user("x"), ANSWER, user("y")], False),
        ([user("x"), called("a"), {"role": "tool", "tool_call_id": "a", "content": "y"}], True),
        ([user("x"), called("a", "b"), {"role": "tool", "tool_call_id": "a", "content": "y"}, user("z")], True),
        ([user("x"), called("a"), {"role": "tool", "tool_call_id": "a", "content": "y"}, user("z")], False),
        ([user("x"), called("a"), user("stop")], True),
        ([user("x"), called("a")], True),
        ([user("x"), used("a"), user([result("a")])], True),
        ([user("x"), used("a", "b"), user([result("a")]), user("z")], True),
        ([user("x"), used("a"), user([result("a")]), ANSWER, user("z")], False),
        (
            [user("x"), {"type": "function_call", "call_id": "a"}, {"type": "function_call_output", "call_id": "a"}],
            True,
        ),
        ([user("x"), {"type": "function_call", "call_id": "a"}, user("y")], True),
        ([user("x"), {"type": "web_search_call", "id": "a"}, ANSWER, user("y")], False),
        (
            [
                {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
                {"parts": [{"functionResponse": {"name": "f"}}]},
            ],
            True,
        ),
        ([None, 1, "x", [], {"role": ["tool"], "type": 5}], False),
    ],
)
def test_tools_that_were_called_for_are_open_until_the_model_has_answered(said: list[Any], calling: bool) -> None:
    assert talk_of({"messages": said}).calling is calling


@pytest.mark.parametrize(
    "body", [{}, {"messages": None}, {"messages": [[], None, {"role": 3}]}, {"input": {"role": "user"}}]
)
def test_what_says_nothing_gives_nothing(body: dict[str, Any]) -> None:
    assert talk_of(body).turns == ()


def test_a_request_that_is_over_has_let_go_of_what_was_said() -> None:
    request = read_request("acompletion", {"model": "m", "messages": [user("a secret")]})
    assert request.conversation is not None
    assert request.conversation.talk().turns == ("a secret",)

    request.conversation.forget()

    assert request.conversation.talk().turns == ()
