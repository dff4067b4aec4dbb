"""What pages say: why something was refused, what a change would do, and nothing of others."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from pathlib import Path

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.overlay import Overlay
from governance.pages.assets import ASSETS
from governance.usecases.overlay import entries
from tests.pages.conftest import HOSTILE, POLICY, UI, Office

STATIC = Path(__file__).parents[2] / "governance" / "pages" / "static"
AXE = Path(__file__).parents[1] / "e2e" / "vendored"
SITE = Path(__file__).parents[2] / "docs" / "site" / "vendored"
MOST_BYTES = 60_000
CHANGED = "name: all of us\nsubject: everyone\namount: 50 USD/day\nunpriced: allow\n"


async def refused(office: Office, team: str = "research", **identity: str) -> str:
    for _ in range(3):
        last = await office.ask("fast/m", team_id=team, team_name=team.title(), **identity)
    return last


async def test_from_login_to_why_ci_was_refused(office: Office) -> None:
    decision = await refused(office, virtual_key_id="sk-ci", virtual_key_name="ci")
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        found = await browser.open("/decisions?text=ci")
        page = await browser.open(f"/decisions/{decision}")

    assert f"{UI}/decisions/{decision}" in found.text
    assert "Team Research has used 2 of 2 requests a minute" in page.text
    assert "governance.yaml:10" in page.text
    assert "stops it here" in page.text or "no room" in page.text


@pytest.mark.parametrize("asked", ["{id}", "decision {id} failed", "Error 429: {message}"])
async def test_an_id_and_a_pasted_error_lead_to_the_decision(office: Office, asked: str) -> None:
    decision = await refused(office)
    recent = office.telemetry.recent
    assert recent is not None
    kept = await recent.find(decision)
    assert kept is not None
    message = re.search(rb'"message":"([^"]+)"', kept)
    assert message
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        url = await browser.get(f"{UI}/why", params={"q": asked.format(id=decision, message=message[1].decode())})
        listed = await browser.get(url.headers["location"])

    assert decision in url.headers["location"] or decision in listed.text


async def test_a_holder_sees_what_is_its_own_and_nothing_of_others(office: Office) -> None:
    await refused(office, "research", virtual_key_id="sk-ci")
    await refused(office, "sales", virtual_key_id="sk-other")
    async with office.browser() as browser:
        await browser.log_in("sk-ci")
        page = await browser.open("/mine")

    assert "research" in page.text
    assert "sales" not in page.text.lower()
    assert "all of us" not in page.text, "what everybody uses together is nobody's own"
    assert "has used 2 of 2 requests a minute" in page.text


async def test_names_that_callers_choose_are_text(office: Office) -> None:
    decision = await refused(office, HOSTILE, virtual_key_id=HOSTILE, virtual_key_name=HOSTILE, end_user_id=HOSTILE)
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        for path in ("/overview", "/decisions", f"/decisions/{decision}", "/edge", f"/simulate?like={decision}"):
            page = await browser.open(path)
            assert page.status_code == 200, path
            assert "<img" not in page.text, path


async def test_asked_again_it_is_decided_by_the_same_policy_and_counts_nothing(office: Office) -> None:
    decision = await refused(office)
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = (await browser.open(f"/simulate?like={decision}")).text
        fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)"', form))
        again = await browser.send_form("/simulate", **fields)
        wrong = await browser.send_form("/simulate", model="fast/m", prompt_tokens="many")
        otherwise = await browser.send_form("/simulate", **{**fields, "team_id": "sales"})

    assert (fields["model"], fields["team_id"]) == ("fast/m", "research")
    assert "Team Research has used 2 of 2 requests a minute" in again.text
    assert "cerebras/m was chosen for fast/m" in otherwise.text
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.text, "what was written is still there"


async def test_a_change_is_reviewed_applied_and_undone(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        edit = (await browser.open("/edit/budgets?name=all of us")).text
        base = _hidden(edit, "base")
        review = await browser.send_form("/review", base=base, section="budgets", name="all of us", text=CHANGED)
        policy = _hidden(review.text, "policy")
        applied = await browser.send_form("/apply", base=_hidden(review.text, "base"), policy=policy, comment="less")
        stale = await browser.send_form("/apply", base=base, policy=policy.replace("2/minute", "3/minute"), comment="")
        history = await browser.open("/history")
        revision = await browser.open("/history/2")
        undone = await browser.send_form("/history/1/rollback", comment="")

    assert "budgets[all of us].amount" in review.text
    assert "It can only refuse more, and grants no new access." in review.text
    assert policy == POLICY.replace("100 USD", "50 USD"), "comments are kept"
    assert applied.headers["location"] == f"{UI}/applied/2"
    assert "less" in history.text
    assert "50 USD/day" in revision.text
    assert stale.status_code == 412
    assert "3/minute" in stale.text, "nothing that was written is lost"
    assert undone.headers["location"] == f"{UI}/applied/3"


async def test_a_draft_is_kept_and_asked_beside_the_policy_in_force(office: Office) -> None:
    await refused(office)
    less = POLICY.replace("requests: 2/minute", "requests: 9/minute")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        review = await browser.send_form("/review", text=less)
        kept = await browser.send_form(
            "/drafts", policy=less, base=_hidden(review.text, "base"), comment="more for everybody"
        )
        form = (await browser.get(kept.headers["location"])).text
        asked = {"model": "fast/m", "team_id": "research", "team_name": "Research"}
        otherwise = await browser.send_form("/simulate", **asked, draft="1")
        alike = await browser.send_form("/simulate", model="openai/gpt-4o", draft="1")
        none = await browser.send_form("/simulate", **asked, draft="7")

    assert "Keep as a draft" in review.text
    assert '<option value="1" selected>' in form
    assert "The draft decides otherwise" in otherwise.text
    assert "Both decide alike" in alike.text
    assert none.status_code == 404


async def test_a_mistake_says_its_line_and_keeps_the_text(office: Office) -> None:
    wrong = CHANGED.replace("50 USD/day", "fifty")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        review = await browser.send_form("/review", section="budgets", name="all of us", text=wrong)

    assert review.status_code == 422
    assert "fifty" in review.text
    assert "amount" in review.text


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


@pytest.mark.parametrize("folder", [STATIC, AXE, SITE], ids=["pages", "tests", "site"])
def test_what_others_wrote_is_as_it_was_published(folder: Path) -> None:
    tomllib = pytest.importorskip("tomllib", reason="TOML is read by Python 3.11 and newer")
    vendored = tomllib.loads((folder / "vendored.toml").read_text("utf-8"))
    minified = {file.name for file in folder.glob("*.min.*")}

    assert set(vendored) == minified
    for name, told in vendored.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == told["sha256"], name
        assert (folder / told["licence_file"]).exists()
        assert {"package", "version", "path", "licence"} <= set(told)


def test_a_page_loads_no_more_than_60_kb_of_style_and_script() -> None:
    loaded = [asset.content for asset in ASSETS.by_hashed_name.values() if not asset.hashed_name.endswith(".svg")]

    assert sum(len(gzip.compress(content)) for content in loaded) <= MOST_BYTES


async def test_files_are_found_by_their_hash_and_kept_for_ever(office: Office) -> None:
    async with office.browser() as browser:
        page = (await browser.open("/login")).text
        urls = re.findall(r'(?:href|src)="([^"]+static[^"]+)"', page)
        answers = [await browser.get(url) for url in urls]

    assert len(urls) == 5
    for answer in answers:
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=", page)


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    for file in (STATIC.parent / "templates").glob("*.html"):
        text = file.read_text("utf-8")
        assert "style=" not in text, file.name
        assert "<style" not in text, file.name
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|javascript:", text), file.name


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('{"identity": 5}', "more.identity: write a JSON object"),
        ('{"identity": [1]}', "more.identity: write a JSON object"),
        ('{"body": [1]}', "more.body: write a JSON object"),
        ("[" * 100_000, "more: is nested too deeply"),
        ("9" * 5_000, "more: is no JSON"),
    ],
)
async def test_what_is_no_request_is_said_and_asks_nobody(office: Office, more: str, told: str) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        answer = await browser.send_form("/simulate", model="fast/m", more=more)

    assert answer.status_code == 422
    assert told in answer.text


async def test_a_draft_that_says_the_same_decides_alike_whatever_is_in_force_or_drawn(office: Office) -> None:
    weighted = POLICY.replace("virtual_provider: fast", "virtual_provider: fast\n  strategy: weighted")
    weighted = weighted.replace("priority: 2", "priority: 1")
    overlay = Overlay()
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        for text in (POLICY, weighted):
            await browser.send_form("/drafts", policy=text, base=office.engine.host.policy.revision, comment="same")
        await browser.send_form("/switches", kind="drain", target="cerebras/*", until="2h", reason="x")
        overlay.use(await entries(office.overlay.kept))
        office.engine = Engine(Host.parse(POLICY), office.engine.ledger, overlay=overlay)
        drained = await browser.send_form("/simulate", model="fast/m", draft="1")
        office.engine = Engine(Host.parse(weighted), office.engine.ledger)
        drawn = [(await browser.send_form("/simulate", model="fast/m", draft="2")).text for _ in range(12)]

    assert "Both decide alike" in drained.text
    assert "drain" in drained.text
    assert all("Both decide alike" in each for each in drawn)
