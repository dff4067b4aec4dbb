"""Faults: how a fake provider misbehaves on demand, for whom, and how many times."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class ForcedUsage(BaseModel):
    """Token numbers to report instead of the counted ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class Fault(BaseModel):
    """What goes wrong with an answer; every field is independent of the others, and all absent means nothing does.

    When several could end an answer, `status` comes before `garbage`, and `garbage` before a break.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    status: int | None = Field(None, ge=400, le=599, description="answer with this HTTP error")
    message: str | None = Field(None, description="text of the error; with `status` or break_kind `error_event`")
    retry_after_s: int | None = Field(None, ge=0, description="sent as the `retry-after` header of the error")
    latency_ms: int = Field(0, ge=0, description="wait before the headers")
    times: int | None = Field(None, ge=1, description="play it for the next n requests only; absent: until cleared")
    chunk_delay_ms: int = Field(0, ge=0, description="wait before each piece of streamed text")
    break_after_chunks: int | None = Field(
        None, ge=0, description="break off after n pieces of text; an answer with fewer ends whole"
    )
    break_kind: Literal["close", "error_event", "hang"] = Field(
        "close",
        description="drop the connection, send an error event and end, or send nothing more until the client leaves; "
        "an answer that is not streamed counts as one piece and has no error_event",
    )
    usage: ForcedUsage | None = Field(None, description="report this usage")
    no_usage: bool = Field(False, description="report no usage at all")
    garbage: bool = Field(False, description="answer 200 with a body that is not valid JSON")

    @model_validator(mode="after")
    def _fields_agree(self) -> "Fault":
        if "break_kind" in self.model_fields_set and self.break_after_chunks is None:
            raise ValueError("break_kind says nothing without break_after_chunks")
        if self.usage is not None and self.no_usage:
            raise ValueError("usage and no_usage contradict each other")
        return self


NO_FAULT = Fault()


class BadControlRequest(Exception):
    """A control request that cannot be understood; its text names the field and the known ones."""


class Faults:
    """The faults in force, by `provider/model`, by `provider`, or by `*`; the most specific name wins alone.

    An empty fault `{}` is a fault too: under a specific name it shields from a wider one.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Fault] = {}

    def change(self, document: object) -> None:
        """Set one fault for each name of a JSON object, or clear it where the value is null; other names stay.

        Raises:
            BadControlRequest: naming everything that is wrong; nothing was changed.
        """
        if not isinstance(document, Mapping):
            raise BadControlRequest('expected a JSON object like {"openai": {"status": 503}} or {"openai": null}')
        complaints: list[str] = []
        changes: dict[str, Fault | None] = {}
        for name, fields in document.items():
            try:
                changes[name] = None if fields is None else Fault.model_validate(fields)
            except ValidationError as error:
                complaints += _complaints(name, error)
        if complaints:
            raise _bad(complaints)
        for name, fault in changes.items():
            self._put(name, fault)

    def set_from_words(self, name: str, words: Mapping[str, str]) -> None:
        """Like `change` for one name, with every value written as a word, as in a query string.

        Raises:
            BadControlRequest: as `change`.
        """
        try:
            self._put(name, Fault.model_validate_strings(words, strict=False))
        except ValidationError as error:
            raise _bad(_complaints(name, error)) from error

    def clear(self, name: str | None = None) -> None:
        """Clear the fault of one name, or all of them; clearing what is not there is fine."""
        if name is None:
            self._by_name.clear()
        else:
            self._by_name.pop(name, None)

    def take(self, provider: str, model: str) -> Fault:
        """The fault to play for one request, counted against its `times`."""
        for name in (f"{provider}/{model}", provider, "*"):
            fault = self._by_name.get(name)
            if fault is None:
                continue
            if fault.times is not None:
                spent = fault.times == 1
                self._put(name, None if spent else fault.model_copy(update={"times": fault.times - 1}))
            return fault
        return NO_FAULT

    def shown(self) -> dict[str, object]:
        """The faults in force as JSON; `times` says how often each still applies."""
        return {name: fault.model_dump(exclude_unset=True) for name, fault in self._by_name.items()}

    def _put(self, name: str, fault: Fault | None) -> None:
        if fault is None:
            self.clear(name)
        else:
            self._by_name[name] = fault


def _bad(complaints: list[str]) -> BadControlRequest:
    known = ", ".join(Fault.model_fields)
    parts = ", ".join(ForcedUsage.model_fields)
    return BadControlRequest(f"{'; '.join(complaints)}; known fields: {known}; of usage: {parts}")


def _complaints(name: str, error: ValidationError) -> list[str]:
    complaints = []
    for detail in error.errors():
        where = ".".join([name, *(str(part) for part in detail["loc"])])
        if detail["type"] == "extra_forbidden":
            complaints.append(f"{where}: unknown field")
        elif detail["type"] == "value_error":
            complaints.append(f"{where}: {detail['ctx']['error']}")
        elif detail["type"] == "missing":
            complaints.append(f"{where}: missing")
        elif detail["type"] == "model_type":
            complaints.append(f"{where}: must be an object, not {detail['input']!r}")
        else:
            complaints.append(f"{where}: {detail['msg'][:1].lower()}{detail['msg'][1:]}, not {detail['input']!r}")
    return complaints
