"""What a person typed, out of what a client sends in a user's name: without reminders, surroundings and commands."""

from __future__ import annotations

import re
from typing import Final

# Blocks that Claude Code, Codex, Cline, Cursor, Copilot and their like put into a user's message.
_OF_CLIENTS: Final = frozenset(
    {
        *("system-reminder", "system_reminder", "environment_context", "environment_details", "user_instructions"),
        *("INSTRUCTIONS", "local-command-stdout", "local-command-stderr", "local-command-caveat", "command-name"),
        *("command-message", "command-args", "command-contents", "bash-input", "bash-stdout", "bash-stderr"),
        *("ide_opened_file", "ide_selection", "ide_diagnostics", "open_and_recently_viewed_files", "system_info"),
        *("additional_data", "attached_files", "project_layout", "git_status", "workspace_info", "environment_info"),
        *("reminderInstructions", "editorContext", "user-prompt-submit-hook", "task-notification", "turn_aborted"),
        *("user_info", "final_file_content"),
    }
)
# What stands around the words of the user themselves.
_AROUND: Final = frozenset({"user_query", "userRequest", "user_message", "task", "feedback", "answer"})
_TAG: Final = re.compile(r"<([A-Za-z][\w-]{3,40})(?:\s[^<>]{0,200})?>")
_CLOSED: Final = re.compile(r"</([A-Za-z][\w-]{3,40})>\s*\Z")
_UNWRAP: Final = re.compile(rf"</?(?:{'|'.join(sorted(_AROUND))})>")
_BLANKS: Final = re.compile(r"\s*")
# Of the client, as it stands in the user's name.
_NOTICE: Final = re.compile(
    r"\[(?:Request (?:interrupted|cancelled)|The user doesn't want)[^\]\n]{0,200}\]"
    r"|# AGENTS\.md instructions for [^\n]*"
)
_SUMMARY: Final = re.compile(r"\AThis session is being continued from a previous conversation")
_WANTED: Final = re.compile(r"Primary Request and Intent:?\**:?")
_COMMAND: Final = re.compile(r"\A/[A-Za-z][\w:.-]{0,60}(?!\S)")
# What begins so is no command but a path.
_ROOTS: Final = frozenset(
    {
        *("/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv"),
        *("/sys", "/tmp", "/usr", "/var", "/users", "/data", "/app", "/src", "/api"),  # noqa: S108 - a word, no folder
    }
)
_MOST_OF_A_COMMAND: Final = 120
_MOST_BLOCKS: Final = 16
# How far one block may go.
_REACH: Final = 256 * 1024
_REACH_BACK: Final = 32 * 1024
# Instructions stand at the beginning or at the end of what was pasted.
HEAD_CHARACTERS: Final = 3 * 1024
TAIL_CHARACTERS: Final = 1024


def spoken(text: str) -> str:
    """What of a text a person typed, the beginning and the end of it where it is long; "" where all is the client's.

    The length of a text costs nothing.
    """
    start = _after_blocks(text)
    end = _before_blocks(text, start)
    if end - start > HEAD_CHARACTERS + TAIL_CHARACTERS:
        typed = f"{text[start : start + HEAD_CHARACTERS]}\n{text[end - TAIL_CHARACTERS : end]}"
    else:
        typed = text[start:end]
    if "<" in typed:
        typed = _UNWRAP.sub("", _without_blocks(typed))
    if "[" in typed or "#" in typed:
        typed = _NOTICE.sub("", typed)
    typed = typed.strip()
    if typed.startswith("/") and _is_command(typed):
        return ""
    return _continued(typed) if _SUMMARY.match(typed) else typed


def _after_blocks(text: str) -> int:
    """Where it goes on after the blocks at its beginning."""
    at = 0
    for _ in range(_MOST_BLOCKS):
        blank = _BLANKS.match(text, at, at + HEAD_CHARACTERS)
        opened = _TAG.match(text, blank.end() if blank else at)
        if opened is None or opened[1] not in _OF_CLIENTS:
            break
        closing = f"</{opened[1]}>"
        closed = text.find(closing, opened.end(), opened.end() + _REACH)
        # One that is not closed goes on to the end.
        at = len(text) if closed < 0 else closed + len(closing)
    return at


def _before_blocks(text: str, start: int) -> int:
    """Where it ends before the blocks at its end."""
    end = len(text)
    for _ in range(_MOST_BLOCKS):
        last = text[max(start, end - 64) : end]
        closed = _CLOSED.search(last)
        if closed is None or closed[1] not in _OF_CLIENTS:
            break
        opened = text.rfind(f"<{closed[1]}", max(start, end - _REACH_BACK), end)
        if opened < 0:
            break
        end = opened
    return end


def _without_blocks(text: str) -> str:
    kept, at = [], 0
    for opened in _TAG.finditer(text):
        if opened.start() < at or opened[1] not in _OF_CLIENTS:
            continue
        closing = f"</{opened[1]}>"
        closed = text.find(closing, opened.end())
        if closed >= 0:
            kept.append(text[at : opened.start()])
            at = closed + len(closing)
    return "".join((*kept, text[at:]))


def _is_command(text: str) -> bool:
    """Whether it is a command to the client, such as `/compact`, and no path or sentence."""
    found = _COMMAND.match(text)
    if found is None or len(text) > _MOST_OF_A_COMMAND or "\n" in text:
        return False
    return found[0].lower() not in _ROOTS


def _continued(text: str) -> str:
    """Of a summary in place of what was said before: what it says was wanted."""
    wanted = _WANTED.search(text)
    return text[wanted.end() :].strip() if wanted else text
