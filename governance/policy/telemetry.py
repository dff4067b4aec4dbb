"""The section `telemetry`: where decisions are told, kept and measured, and who hears of alerts."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from governance.discovery.safety import Origin, check_url
from governance.ledger import open_ledger
from governance.policy.trace import SpendSettings, TraceSettings, parse_bytes

# A place in the decision record whose content may be withheld.
Redactable = Literal[
    "identity.virtual_key_id",
    "identity.virtual_key_name",
    "identity.user_id",
    "identity.team_id",
    "identity.team_name",
    "identity.customer_id",
    "identity.end_user_id",
    "request.tags",
    "request.headers",
    "windows.subject",
    "refusal.message",
    "shadow",
    "steps",
]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

_SECRET: Final = re.compile(r"authorization|cookie|api-?key|token|secret|password")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_HEADER: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")


_UNREACHABLE: Final = (
    "the `webhook` must be https, without a user or a password in it and with its host in ASCII; to reach it over http "
    "all the same, put its host into `allowed_hosts`"
)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _header(name: str) -> str:
    name = name.strip().lower()
    if not _HEADER.fullmatch(name):
        raise ValueError(f"`{name}` is no name of a header")
    if _SECRET.search(name):
        raise ValueError(f"`{name}` carries secrets and is never logged")
    return name


def _endpoint(url: SecretStr) -> SecretStr:
    # The message must not repeat the address: those of chat systems are secrets.
    try:
        parts = urlsplit(url.get_secret_value())
        sound = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("must be the address of an HTTP endpoint: https://host/path")
    return url


def _digest(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError("must be a SHA-256 digest: 64 hexadecimal digits in lower case")
    return text


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 16:
        raise ValueError("must be at least 16 characters long, so that nobody guesses it")
    return secret


def _each(value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"route": value, "refuse": value, "pass": value} if number else value


class Sample(_Closed):
    """Which share of the decisions is logged, by outcome. One number means all three."""

    route: Share = 1.0
    refuse: Share = 1.0
    passed: Share = Field(default=1.0, alias="pass")


class DecisionLogSettings(_Closed):
    """The decision log: one JSON line for each request, when it has ended."""

    to: str = Field(default="off", min_length=1, description="stdout, off, or the path of a file")
    rotate_bytes: int | None = Field(
        default=None, ge=10_000, description="begin a new file at this size; omitted: somebody else rotates, or nobody"
    )
    keep_files: int = Field(default=5, ge=1, le=1000, description="how many files that are full are kept")
    sample: Annotated[Sample, BeforeValidator(_each)] = Sample()
    sample_by: Literal["decision", "subject"] = Field(
        default="decision", description="whether single decisions are drawn, or teams, else keys, with all of theirs"
    )
    redact: tuple[Redactable, ...] = Field(default=(), description="what is withheld, here and in recent decisions")
    headers: tuple[Annotated[str, AfterValidator(_header)], ...] = Field(
        default=(), description="headers of requests whose values may be in records"
    )

    @model_validator(mode="after")
    def _rotates_a_file(self) -> DecisionLogSettings:
        if self.rotate_bytes is not None and self.to in ("stdout", "off"):
            raise ValueError(f"rotate_bytes is for a file, and `to` is {self.to}")
        return self

    @model_validator(mode="after")
    def _samples_whole_histories(self) -> DecisionLogSettings:
        shares = {self.sample.route, self.sample.refuse, self.sample.passed}
        if self.sample_by == "subject" and len(shares) > 1:
            raise ValueError("`sample_by: subject` keeps all decisions of a subject, so `sample` must be one number")
        return self


class RecentSettings(_Closed):
    """The recent decisions that can be looked up, of all workers on one ledger."""

    keep: int = Field(default=10_000, ge=0, le=1_000_000, description="about how many; 0 = none")
    most: Annotated[
        int, BeforeValidator(parse_bytes), WithJsonSchema({"type": "string", "examples": ["64 MiB", "500 MB"]})
    ] = Field(default=64 * 2**20, ge=2**20, description="of the memory of Redis, whichever is reached first")


class MetricsSettings(_Closed):
    """What /governance/metrics tells, and whom."""

    subjects: bool = Field(default=False, description="tell whom a window counts, not only of which kind it is")
    token_sha256: Annotated[str, AfterValidator(_digest)] | None = Field(
        default=None,
        description="SHA-256 of a bearer token with which Prometheus may read the metrics, and nothing else",
        json_schema_extra={"writeOnly": True},
    )


class AlertSettings(_Closed):
    """Who hears that a limit is nearly used up."""

    webhook: Annotated[SecretStr, AfterValidator(_endpoint)] | None = Field(
        default=None,
        description="each alert is sent there by POST, as JSON; write secret addresses as ${NAME}",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts (or host:port) that may be reached over http and at private addresses"
    )
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    attempts: int = Field(default=5, ge=1, le=20, description="how often one alert is tried")
    secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = Field(
        default=None, description="signs what is sent, so that the receiver knows who it is from"
    )

    def origin(self, webhook: SecretStr) -> Origin:
        """Who is talked to, whatever the path is like. Raises ValueError where it may not be."""
        parts = urlsplit(webhook.get_secret_value())
        return check_url(f"{parts.scheme}://{parts.netloc}", self.allowed_hosts)

    @model_validator(mode="after")
    def _may_be_reached(self) -> AlertSettings:
        if self.webhook is None:
            return self
        try:
            self.origin(self.webhook)
        except ValueError:
            # In our own words: those of the address may be a secret.
            raise ValueError(_UNREACHABLE) from None
        return self


def _store(url: str) -> str:
    if url.startswith("memory:"):
        raise ValueError("must be a Redis of its own; leave it out where there is none")
    try:
        open_ledger(url)
    except ValueError:
        raise
    except Exception as error:  # the client's own checks of its options
        raise ValueError(f"is no URL of a Redis: {type(error).__name__}: {error}") from None
    return url


class TelemetrySettings(_Closed):
    """What is told about decisions, and what is kept of them."""

    url: Annotated[str, AfterValidator(_store)] | None = Field(
        default=None,
        description="a Redis of its own for recent decisions; omitted: that of the ledger",
        json_schema_extra={"writeOnly": True},
    )
    decision_log: DecisionLogSettings = DecisionLogSettings()
    decisions: RecentSettings = RecentSettings()
    metrics: MetricsSettings = MetricsSettings()
    alerts: AlertSettings = AlertSettings()
    trace: TraceSettings = TraceSettings()
    spend: SpendSettings = SpendSettings()
