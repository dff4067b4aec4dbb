"""Keys made, rotated and switched off by people: each shown once, its digest in the policy."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import datetime, timedelta, timezone

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.policy.nodes import read_tree
from tests.pages.conftest import Office


def shown(page: str) -> str:
    found = re.search(r'<pre id="key"[^>]*><code>(sk-gov-[^<]+)</code>', page)
    assert found
    return found[1]


def policy_of(page: str) -> tuple[str, str]:
    form = page.split('/apply"')[1].split("</form>")[0]
    fields = dict(re.findall(r'<input type="hidden" name="(base|policy)" value="([^"]*)"', form))
    return html.unescape(fields["policy"]), fields["base"]


async def test_a_key_is_made_shown_once_and_in_the_policy_by_its_digest(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        made = await browser.send_form("/keys", do="new", name="ci", team="research", models="fast/*, openai/gpt-4o")
        secret, (policy, base) = shown(made.text), policy_of(made.text)
        applied = await browser.send_form("/apply", base=base, policy=policy, comment="for ci")
        history = (await browser.open("/history/2")).text

    (entry,) = read_tree(policy, "policy").data["keys"]
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert entry == {"name": "ci", "sha256": digest, "team": "research", "models": ["fast/*", "openai/gpt-4o"]}
    assert secret not in policy
    assert applied.status_code == 303
    assert secret not in history
    assert made.headers["cache-control"] == "no-store"


async def test_a_key_is_rotated_and_switched_off_with_its_id_kept(office: Office) -> None:
    old = "6833d03a017c5cb3eac289f1849dc2acdda74142b11a3dbf7821c2cc10ba5bfa"
    office.engine = office.of_policy(f"keys:\n- {{name: ci, sha256: {old}}}\n")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        page = (await browser.open("/keys?rotate=ci")).text
        rotated = await browser.send_form("/keys", do="rotate", of="ci", keep="7")
        off = await browser.send_form("/keys", do="off", of="ci")
        wrong = await browser.send_form("/keys", do="rotate", of="ci", keep="soon")
        none = await browser.send_form("/keys", do="off", of="nobody")

    assert old[:8] in page
    (entry,) = read_tree(policy_of(rotated.text)[0], "policy").data["keys"]
    assert entry["sha256"][0]["sha256"] == old
    assert "expires" in entry["sha256"][0]
    assert entry["sha256"][1] == hashlib.sha256(shown(rotated.text).encode()).hexdigest()
    assert read_tree(policy_of(off.text)[0], "policy").data["keys"][0]["enabled"] is False
    assert (wrong.status_code, none.status_code) == (422, 404)


async def test_a_secret_that_leaked_while_it_was_rotated_ends_with_the_next_rotation(office: Office) -> None:
    office.engine = office.of_policy(f"keys:\n- {{name: ci, sha256: {'a' * 64}}}\n")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        later = policy_of((await browser.send_form("/keys", do="rotate", of="ci", keep="30")).text)[0]
        office.engine = Engine(Host.parse(later), office.engine.ledger)
        now = policy_of((await browser.send_form("/keys", do="rotate", of="ci", keep="0")).text)[0]
        office.engine = Engine(Host.parse(now), office.engine.ledger)
        again = policy_of((await browser.send_form("/keys", do="rotate", of="ci", keep="30")).text)[0]

    moment = datetime.now(timezone.utc)
    assert ends(later)[0] > moment + timedelta(days=29)
    assert len(ends(now)) == 2
    assert max(ends(now)) <= moment
    assert ends(again)[:2] == ends(now), "what has ended does not begin again"


def ends(policy: str) -> list[datetime]:
    (key,) = Host.parse(policy).policy.core.keys
    return [each.expires for each in key.sha256 if each.expires is not None]


async def test_what_is_no_change_of_a_key_removes_none(office: Office) -> None:
    office.engine = office.of_policy(f"keys:\n- {{name: ci, sha256: {'a' * 64}}}\n")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        unknown = await browser.send_form("/keys", do="offf", of="ci")
        long = await browser.send_form("/keys", do="rotate", of="ci", keep="9" * 5_000)
        removed = await browser.send_form("/keys", do="remove", of="ci")

    assert unknown.status_code == 400
    assert "offf" in unknown.text
    assert long.status_code == 422
    assert "must be a number of days, from 0 to 365" in long.text
    assert not read_tree(policy_of(removed.text)[0], "policy").data.get("keys")


async def test_what_can_be_no_key_is_said_beside_its_field(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        answer = await browser.send_form("/keys", do="new", name="ci", expires="next year", team="research")

    assert answer.status_code == 422
    assert 'id="wrong-expires"' in answer.text
    assert 'value="research"' in answer.text
    assert "sk-gov-" not in answer.text
