"""What a stream that broke off costs: what it delivered, at what is billed for it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import litellm
import pytest
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth

from governance.engine.host import Host
from governance.model.adjustment import Adjustment
from governance.model.facts import ModelFacts, Prices, attos
from governance.model.token_prices import token_prices
from governance.proxy.gateway import Gateway
from governance.proxy.policies import FilePolicies
from governance.proxy.reload import PolicyWatch

POLICY = "version: 1\non_contract_breach: degrade\nbudgets: [{name: all, subject: everyone, amount: 100 USD/day}]\n"
STANDARD, PRIORITY = (token_prices(attos(usd), attos(2 * usd)) for usd in (0.001, 0.005))
FACTS = ModelFacts(
    prices=Prices(
        ((-1, STANDARD),),
        {"priority": ((-1, PRIORITY),)},
        adjustment=Adjustment(margin=Decimal("0.5"), fixed_usd_micros=Decimal(7)),
    )
)


@pytest.mark.parametrize("end", ["break_off", "left"])
@pytest.mark.parametrize(("tier", "by_the_token"), [({}, 1_000), ({"service_tier": "priority"}, 5_000)])
async def test_a_stream_that_breaks_off_costs_what_is_billed_for_what_it_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, tier: dict[str, str], by_the_token: int
) -> None:
    params = {"model": "openai/first", "api_key": "none"}
    router = litellm.Router(model_list=[{"model_name": "first", "litellm_params": params}])
    monkeypatch.setattr(proxy_server, "llm_router", router)
    file = tmp_path / "governance.yaml"
    file.write_text(POLICY)
    gateway = Gateway(Host.load(file), FilePolicies(file, PolicyWatch(file), Host.load(file)))
    gateway.models.list_now()
    monkeypatch.setattr(type(gateway.models.catalog), "facts", lambda *_: FACTS)
    body = {"model": "first", "messages": [{"role": "user", "content": "Hello"}], "stream": True, **tier}
    live = await gateway.admit(body, "acompletion", UserAPIKeyAuth(team_id="blue"))
    assert live
    await live.engine.attempt(live.decision, "first")
    if end == "break_off":
        live.delivered.note('{"delta": "Forty words, or a few more, or fewer"}')

    await getattr(gateway, end)(live)

    usage, prompt = live.decision.trace.usage, live.decision.request.prompt_tokens
    assert usage
    delivered = usage.output_tokens or 0
    assert (delivered > 0) is (end == "break_off")
    assert usage.cost_usd_micros == (prompt + 2 * delivered) * by_the_token * 3 // 2 + 7
    await gateway.close()
