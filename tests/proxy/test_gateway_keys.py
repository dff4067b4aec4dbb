"""What becomes of a caller whose key changes between being let in and being decided on."""

from pathlib import Path

import pytest
from litellm.proxy import proxy_server

from governance.engine.host import Host
from governance.engine.keyring import digest_of
from governance.model import codes
from governance.proxy.gateway import Gateway
from governance.proxy.keyholder import keyholder
from governance.proxy.policies import FilePolicies
from governance.proxy.reload import PolicyWatch

KEY = f"version: 1\nkeys: [{{name: ci, sha256: {digest_of('sk-gov-of-the-gateway-tests')}, models: [fast/*]}}]\n"
NO_KEY = "version: 1\n"


def host(folder: Path, text: str) -> Host:
    file = folder / "governance.yaml"
    file.write_text(text)
    return Host.load(file)


async def test_a_key_that_a_reload_takes_away_asks_for_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_server, "user_custom_auth", object())  # what LiteLLM sets where keys are verified
    file = tmp_path / "governance.yaml"
    gateway = Gateway(host(tmp_path, KEY), FilePolicies(file, PolicyWatch(file), host(tmp_path, KEY)))
    let_in = keyholder(gateway.engine.host.policy.core.keys[0])
    data = {"model": "openai/x", "messages": []}

    barred = await gateway.admit(dict(data), "acompletion", let_in)
    gateway.use(host(tmp_path, NO_KEY))
    unknown = await gateway.admit(dict(data), "acompletion", let_in)

    assert barred is not None
    assert barred.decision.refusal is not None
    assert barred.decision.refusal.code == codes.MODEL_NOT_ALLOWED
    assert unknown is not None
    assert unknown.decision.refusal is not None
    assert (unknown.decision.refusal.status, unknown.decision.refusal.code) == (401, codes.ACCESS_NOT_FOUND)
    await gateway.close()
