"""What a condition may name, of which type it is and how large it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["string", "texts", "values", "list", "int", "double", "timestamp"]

STRINGS: Final = (
    "model",
    "provider",
    "request_type",
    "task",
    "virtual_key_id",
    "virtual_key_name",
    "user_id",
    "team_id",
    "team_name",
    "customer_id",
    "customer_name",
    "end_user_id",
)
PERCENTS: Final = ("budget_used", "tokens_used", "request")

VARIABLES: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(STRINGS, "string"),
    "headers": "texts",
    "params": "texts",
    "metadata": "values",
    "tags": "list",
    "modalities": "list",
    "capabilities": "list",
    "prompt_tokens": "int",
    "max_output_tokens": "int",
    **dict.fromkeys(PERCENTS, "double"),
    "now": "timestamp",
}

# Sizes in bytes of UTF-8: a condition sees no more than this of any text, of any map or list, and no more entries than
# this of anything it walks through. Entries that a condition names are looked up in all of a map.
NAME_BYTES: Final = 512
TEXT_BYTES: Final = 8 * 1024
HEAD_BYTES: Final = 512
TAG_BYTES: Final = 256
TOTAL_BYTES: Final = 32 * 1024
ENTRY_BYTES: Final = 256
ENTRIES: Final = 64
METADATA_NODES: Final = 128
METADATA_DEPTH: Final = 8

# Names that no policy can write: where `matches` reads long texts, and what is walked through.
HEAD: Final = "__head"
SOME: Final = "__some"
LONG_TEXTS: Final = ("headers", "params")
HIDDEN: Final[Mapping[str, Kind]] = {name + part: "texts" for name in LONG_TEXTS for part in (HEAD, SOME)}

# Operators without names, and what a macro leaves behind, are not listed.
FUNCTIONS: Final = (
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "size",
    "has",
    "in",
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
    "int",
    "double",
    "string",
    "timestamp",
    "duration",
    "getHours",
    "getMinutes",
    "getDayOfWeek",
    "getDate",
    "getMonth",
    "getFullYear",
)


def plain(name: str) -> str:
    """The name as a policy writes it."""
    return name.removesuffix(HEAD).removesuffix(SOME)
