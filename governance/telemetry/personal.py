"""What of a line tells one caller from another, by the words of the policy, of records and of conditions."""

from __future__ import annotations

from typing import Final

# Of the parameters of a body, those that carry no text of anybody.
PARAMS: Final = frozenset(
    {"service_tier", "size", "seconds", "quality", "background", "reasoning_effort", "temperature", "top_p", "n"}
    | {"max_tokens", "max_completion_tokens", "response_format", "tool_choice", "dimensions", "style", "verbosity"}
)
LOG_PATHS: Final = {
    "identity.virtual_key_id": "key",
    "identity.virtual_key_name": "key_name",
    "identity.user_id": "user",
    "identity.team_id": "team",
    "identity.team_name": "team_name",
    "identity.customer_id": "customer",
    "identity.end_user_id": "end_user",
    "request.tags": "tags",
}
"""Places in decision records."""
KIND_OF: Final = {
    "key": "virtual_key",
    "key_name": "virtual_key",
    "user": "user",
    "team": "team",
    "team_name": "team",
    "customer": "customer",
    "customer_name": "customer",
    "end_user": "end_user",
    "tags": "tag",
    "metadata": "metadata",
}
"""Kinds of subjects: what is hidden of a caller is hidden of its windows."""
FACT_OF: Final = {
    "key": "virtual_key_id",
    "key_name": "virtual_key_name",
    "user": "user_id",
    "team": "team_id",
    "team_name": "team_name",
    "customer": "customer_id",
    "customer_name": "customer_name",
    "end_user": "end_user_id",
    "tags": "tags",
    "metadata": "metadata",
}
"""Names in conditions."""
ALWAYS: Final = frozenset(
    {"model", "provider", "request_type", "task", "modalities", "capabilities", "prompt_tokens", "max_output_tokens"}
    | {"now", "budget_used", "tokens_used", "request"}
    | (set(FACT_OF.values()) - {"metadata"})
)
"""What conditions read and every line has, or a replay counts by itself."""
