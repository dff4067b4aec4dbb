"""The admin's pages and `governance usage` on a real proxy: who may look, and whether it is what was counted."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from tests.patience import ANSWER_S, run, tries

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.conftest import MASTER_KEY, Proxy, Start, key, litellm_config

POLICY = """
version: 1
ledger: {{url: "{url}"}}
routing_profiles:
  - name: Counted
    virtual_provider: counted
    targets:
      - {{provider: cerebras, limits: {{requests: 100/hour, tokens: 1M/hour}}}}
"""
PAGE = "/governance/api/usage"


def ask(proxy: Proxy, key: str | None = MASTER_KEY, **asked: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.get(proxy.url + PAGE, params=asked, headers=headers, timeout=ANSWER_S)


def windows(proxy: Proxy, count: int, **asked: str) -> dict[str, dict]:
    """Windows by unit, as soon as they are announced and nothing is reserved any more."""
    for _ in tries():
        told = ask(proxy, **asked).raise_for_status().json()["windows"]
        if told and not any(w["reserved"] for w in told) and count <= max(w["used"] for w in told):
            break
    return {window["unit"]: window for window in told}


def test_only_admins_get_to_the_pages(proxy: Proxy) -> None:
    nobody, user, admin = ask(proxy, None), ask(proxy, key(user_id="u")), ask(proxy)

    assert nobody.status_code == 401
    assert user.status_code == 403
    assert ask(proxy, key(user_role="proxy_admin_viewer")).status_code == 403
    assert ask(proxy, "sk-unknown").status_code == 401
    for refused in (nobody, user):
        assert refused.json()["error"]["message"]
    assert admin.status_code == 200
    assert ask(proxy, subject="research").json()["error"]["code"] == "invalid_request"


def test_a_proxy_that_verifies_nobody_has_no_admin(start: Start, providers) -> None:
    config = litellm_config(providers.url, general_settings={"dangerously_permit_weak_or_unset_master_key": True})
    config["litellm_settings"]["enable_post_custom_auth_checks"] = False
    with start(POLICY.format(url="memory://"), config) as open_proxy:
        for anybody in (ask(open_proxy, None), ask(open_proxy, "sk-anything")):
            assert anybody.status_code == 403
            assert "general_settings.master_key" in anybody.json()["error"]["message"]


def test_what_is_shown_is_what_was_counted_by_all_workers(start: Start, redis_url: str) -> None:
    with start(POLICY.format(url=redis_url), None, "--num_workers", "2") as proxy:
        usage = [proxy.chat("counted/shown").json()["usage"]["total_tokens"] for _ in range(7)]
        told = windows(proxy, sum(usage), subject="target:cerebras/shown")

        assert (told["requests"]["used"], told["requests"]["remaining"]) == (7, 93)
        assert told["tokens"]["used"] == sum(usage)
        assert {ask(proxy, subject="target:cerebras/shown").json()["windows"][0]["used"] for _ in range(6)} == {7}

        command = [sys.executable, "-c", "from governance.cli import main; main()", "usage", "--url", proxy.url]
        ran = run([*command, "--subject", "target:cerebras/shown", "--json"], env={"LITELLM_MASTER_KEY": MASTER_KEY})
        assert json.loads(ran.stdout)["windows"][0]["used"] == 7, ran.stderr
        refused = run(command, env={"LITELLM_MASTER_KEY": key(user_id="u").replace(" ", "")})
        assert (refused.returncode, refused.stdout) == (3, "")
        assert "403" in refused.stderr


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_page_is_no_form_of_another_site(proxy: Proxy, content_type: str) -> None:
    posted = httpx.post(proxy.url + PAGE, content=b"a=b", headers={"content-type": content_type}, timeout=ANSWER_S)

    assert posted.status_code in (400, 401, 405)
