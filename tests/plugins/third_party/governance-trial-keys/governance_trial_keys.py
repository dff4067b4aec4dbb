from pydantic import BaseModel, PositiveInt

from governance import Charge, Refusal, Request, Ruling, Window, hookimpl


class TrialKeysConfig(BaseModel, frozen=True, extra="forbid"):
    models: frozenset[str]
    requests_per_day: PositiveInt = 100


class TrialKeys:
    """Keys with `trial: true` in their metadata may ask for few models, and not often."""

    Config = TrialKeysConfig
    on_error = "refuse"

    def __init__(self, config: TrialKeysConfig) -> None:
        self._config = config

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        key = request.identity
        if key.metadata.get("trial") is not True:
            return None
        if request.model not in self._config.models:
            return Ruling(refusal=Refusal(403, "model_not_allowed", f"trial keys may not ask for {request.model}"))
        subject, a_day = f"virtual_key:{key.virtual_key_id}", self._config.requests_per_day
        return Ruling(charges=(Charge(Window("trial keys", subject, "requests", a_day, period=86_400), 1),))
