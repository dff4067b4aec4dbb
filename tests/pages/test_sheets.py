"""Entries as forms: nothing is lost, mistakes stand beside their fields, rows move without a script."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import yaml

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.policy.sections import SECTIONS
from governance.usecases.sheets import entry_said, shape_of_entry, written_fields
from governance.usecases.sheets.rows import dropped, moved
from tests.pages.conftest import HOSTILE, UI, Office

ENTRIES = [
    ("profiles", "{name: F, virtual_provider: f, targets: [{provider: a, limits: {requests: [1/minute, 5/day]}}]}"),
    ("profiles", "{name: F, virtual_provider: f, targets: [{group: g, enabled: false, request_types: [chat]}]}"),
    ("rules", "{name: F, cel_expression: 'task == \"code\"', refuse: {status: 429, message: later}, Priority: 3}"),
    ("rules", "{name: F, targets: [{model: m, weight: 0.25}, {group: g}], fallbacks: [a/b, {group: x}]}"),
    ("limits", '{name: F, subject: {team: "*", metadata: {a: b}}, requests: 5/hour, on_exceeded: {route_to: x}}'),
    ("limits", "{name: F, subject: everyone, concurrent: 100k, alert_at: [80%, 95%], mode: shadow, x-own: [1]}"),
    ("budgets", "{name: F, subject: {user: ci}, amount: 5 USD/day, unpriced: {assume: {input: 3 USD/1M}}}"),
    ("profiles", "{name: F, virtual_provider: f, affinity: {}, targets: [{provider: a, limits: {}}]}"),
    ("profiles", "{name: F, virtual_provider: f, enabled: 'true', targets: [{provider: a, enabled: 'false'}]}"),
    ("profiles", "{name: F, virtual_provider: f, enabled: null, targets: [{provider: a, enabled: null}]}"),
    ("profiles", "{name: F, virtual_provider: f, enabled: '${ON}', mode: '${MODE}', targets: [{provider: a}]}"),
    ("profiles", '{name: F, virtual_provider: f, description: "two\\nlines\\n", targets: [{provider: a}]}'),
    (
        "profiles",
        "{name: F, virtual_provider: f, require: {region: [eu]}, targets: [{provider: a, labels: {zdr: true}}]}",
    ),
    ("limits", "{name: F, subject: {team: '{a}', user: ' b '}, requests: 5/hour, on_exceeded: '${FULL}'}"),
    ("limits", "{name: F, subject: {team: a}, requests: 5/hour, match: \"\\n task == 'code'\\n\"}"),
    ("limits", '{name: F, subject: {team: a}, requests: 5/hour, description: "\\n it\'s\\n"}'),
    ("budgets", "{name: F, subject: {user: ci}, amount: [5 USD/day], timezone: null}"),
    ("profiles", "{name: F, virtual_provider: f, affinity: null, targets: [{provider: a, limits: null}]}"),
]
# The others hold what no policy does.
IN_A_POLICY = [(section, said) for section, said in ENTRIES if not re.search("Priority|x-own|unpriced", said)]
VARIABLES = {"ON": "true", "MODE": "shadow", "FULL": "refuse"}


@pytest.mark.parametrize(("section", "written"), ENTRIES)
def test_an_entry_that_nobody_touches_stays_as_it_was_written(section: str, written: str) -> None:
    shape, entry = shape_of_entry(SECTIONS[section]), yaml.safe_load(written)

    assert entry_said(shape, written_fields(shape, entry), entry) == entry


@pytest.mark.parametrize(("section", "written"), IN_A_POLICY)
async def test_its_page_that_is_sent_as_it_came_changes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, section: str, written: str
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    in_force(office, section, yaml.safe_load(written))
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        review = await sheet(browser, section, as_browsers_send((await browser.open(f"/edit/{section}?name=F")).text))

    assert "This changes nothing" in review


def test_what_is_not_said_is_not_written() -> None:
    shape = shape_of_entry(SECTIONS["limits"])
    form = written_fields(shape, {}) | {"name": "new", "subject.rows": "1", "subject.0.kind": "everyone"}

    assert entry_said(shape, {**form, "requests": "5/hour"}) == {
        "name": "new",
        "subject": "everyone",
        "requests": "5/hour",
    }


@pytest.mark.parametrize(
    ("section", "name"),
    [("profiles", "Fast"), ("rules", "no secrets"), ("limits", "every team"), ("budgets", "all of us")],
)
async def test_a_form_that_is_only_looked_at_changes_nothing(office: Office, section: str, name: str) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        page = (await browser.open(f"/edit/{section}?name={name}")).text
        review = await sheet(browser, section, fields(page))

    for field in re.findall(r"<input [^>]* required[^>]*>", page, re.S):
        assert 'value=""' not in field, "a browser would send nothing"
    assert "This changes nothing" in review


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the form of a sheet."""
    form = page[page.index("<form method") : page.rindex("</form>")]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", form, re.S):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if said.get("type") != "checkbox" or " checked" in tag:
            found[said["name"]] = html.unescape(said.get("value", ""))
    for name, inside in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        options: Any = re.findall(r'<option value="([^"]*)"( selected)?', inside)
        found[name] = next((value for value, chosen in options if chosen), options[0][0])
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = html.unescape(text)
    return {name: value for name, value in found.items() if name != "do"}


def as_browsers_send(page: str) -> dict[str, str]:
    """The same with what browsers do to line ends: none in an input, and none that comes first in a text area."""
    form = fields(page)
    for name in re.findall(r'<input (?!type="hidden")[^>]*?name="([^"]*)"', page):
        form |= {name: re.sub(r"[\r\n]", "", form[name])} if name in form else {}
    return form | {name: form[name].removeprefix("\n") for name in re.findall(r'<textarea name="([^"]*)"', page)}


def in_force(office: Office, section: str, entry: Any) -> None:
    """The policy with nothing but this entry."""
    document = {"version": 1, "policy": {"source": "database"}, SECTIONS[section].at[0]: [entry]}
    office.engine = Engine(
        Host.parse(yaml.safe_dump(document, sort_keys=False), "policy", VARIABLES), office.engine.ledger
    )


async def sheet(browser: Any, section: str, form: dict[str, str], do: str = "review") -> str:
    answer = await browser.send_form(f"/sheet/{section}", **{**form, "do": do})
    return str(answer.text)


async def test_hostile_names_in_forms_are_text(office: Office) -> None:
    name = HOSTILE.replace("\u202e", "")
    keys = [{"name": name, "sha256": "0" * 64, "team": name}]
    office.engine = office.of_policy(yaml.safe_dump({"keys": keys, "task_routing": {}}))
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        pages = [await browser.get(f"{UI}/{path}") for path in ("keys", "tasks", "switches", "rules/order")]
        pages.append(await browser.get(f"{UI}/keys", params={"rotate": name}))
        pages.append(await browser.get(f"{UI}/switches", params={"kind": "increase", "limit": name}))
        pages.append(await browser.send_form("/sheet/limits", do="add subject", name=name, match=name))
        pages.append(await browser.send_form("/sheet/profiles", **{"do": f"up {name} 1", "targets.rows": name}))

    for page in pages:
        assert page.status_code == 200, page.url
        assert "<img" not in page.text, page.url


async def test_targets_move_by_buttons_and_their_priorities_stay_in_place(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = fields((await browser.open("/edit/profiles?name=Fast")).text)
        moved = fields(await sheet(browser, "profiles", form, "up targets 1"))
        more = fields(await sheet(browser, "profiles", moved, "add targets"))
        fewer = fields(await sheet(browser, "profiles", more, "drop targets 1"))
        review = await sheet(browser, "profiles", moved)

    providers = [[each.get(f"targets.{i}.provider") for i in range(3)] for each in (form, moved, more, fewer)]
    assert providers == [
        ["cerebras", "openai", None],
        ["openai", "cerebras", None],
        ["openai", "cerebras", ""],
        ["openai", "", None],
    ]
    assert [moved[f"targets.{i}.priority"] for i in range(2)] == ["1", "2"]
    assert "routing_profiles[Fast].targets" in html.unescape(review)
    assert "provider: openai\n" in html.unescape(review)


async def test_a_mistake_stands_beside_its_field_and_nothing_written_is_lost(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = fields((await browser.open("/edit/limits?name=every team")).text)
        page = await sheet(browser, "limits", {**form, "requests": "many", "alert_at": "80%", "name": "each team"})
        as_yaml = await sheet(browser, "limits", {**form, "requests": "many"}, "yaml")
        target = fields((await browser.open("/edit/profiles?name=Fast")).text)
        beside = await sheet(browser, "profiles", {**target, "targets.1.weight": "heavy"})

    assert 'id="wrong-requests"' in page
    assert 'aria-describedby="wrong-requests"' in page
    assert fields(page) == {**form, "requests": "many", "alert_at": "80%", "name": "each team"}
    assert "requests: many" in as_yaml
    assert 'id="wrong-targets.1.weight"' in beside


async def test_form_and_yaml_are_two_ways_to_write_the_same(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = fields((await browser.open("/edit/budgets?name=all of us")).text)
        as_yaml = await sheet(browser, "budgets", {**form, "amount": "50 USD/day"}, "yaml")
        text = html.unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", as_yaml, re.S)[0])
        back = fields(await sheet(browser, "budgets", {"text": text, "name.was": "all of us"}, "form"))
        broken = await sheet(browser, "budgets", {"text": "a: [", "name.was": "all of us"}, "form")

    assert back["amount"] == "50 USD/day"
    assert "a: [" in broken


@pytest.mark.parametrize(("text", "said"), [('task == "code"', "looks at task"), ("tusk == 1", "tusk"), ("", "every")])
async def test_a_condition_is_checked_while_it_is_written(office: Office, text: str, said: str) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        answer = await browser.send_form("/check", cel_expression=text)

    assert said in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        {"do": "add targets", "targets.rows": "1e300"},
        {"do": "review", "targets.rows": "9" * 5000},
        {"do": "review", "targets.rows": "1", "targets.0.was": "9" * 5000},
        {"do": f"drop targets {'9' * 5000}", "targets.rows": "1"},
    ],
)
async def test_a_number_of_rows_that_no_form_has_is_no_work(office: Office, sent: dict[str, str]) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        answer = await browser.send_form("/sheet/profiles", **sent)

    assert answer.status_code in (200, 422)


async def test_rows_of_more_digits_than_are_read_are_not_taken_for_none(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        answer = await browser.send_form("/sheet/rules", **{"name": "new", "model": "a/b", "targets.rows": "9" * 5000})

    assert answer.status_code == 422


async def test_an_entry_of_more_rows_than_a_form_shows_is_written_as_yaml(office: Office) -> None:
    targets = [{"provider": "openai", "model": f"m{i}"} for i in range(201)]
    profile = {"name": "F", "virtual_provider": "f", "targets": targets}
    in_force(office, "profiles", profile)
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        page = await browser.open("/edit/profiles?name=F")
        text = {"text": yaml.safe_dump(profile), "name.was": "F"}
        as_form = await browser.send_form("/sheet/profiles", do="form", **text)
        sent = await browser.send_form("/sheet/profiles", do="review", **{"name": "F", "targets.rows": "201"})

    assert '<textarea name="text"' in page.text
    assert "m200" in page.text
    for answer in (as_form, sent):
        assert answer.status_code == 422
        assert "at most 200 rows" in answer.text


async def test_labels_are_written_in_a_form(office: Office) -> None:
    target = {"provider": "a", "labels": {"region": "eu"}}
    in_force(office, "profiles", {"name": "F", "virtual_provider": "f", "targets": [target]})
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = fields((await browser.open("/edit/profiles?name=F")).text)
        said = {"targets.0.labels": "{region: us}", "require": "region: [us]"}
        review = html.unescape(await sheet(browser, "profiles", {**form, **said}))

    assert "labels:\n    region: us\n" in review
    assert "require:\n  region:\n  - us\n" in review


async def test_what_is_in_use_by_itself_is_switched_on_and_off(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = fields((await browser.open("/edit/profiles?name=Fast")).text)
        on = html.unescape(await sheet(browser, "profiles", {**form, "affinity.used": "on"}, "yaml"))
        both = {**form, "affinity.was": "on", "affinity.ttl": "10m"}
        off = html.unescape(await sheet(browser, "profiles", both, "yaml"))

    assert "affinity: {}" in on
    assert "affinity" not in off


def test_a_box_and_a_variable_are_read_as_they_were_sent() -> None:
    shape = shape_of_entry(SECTIONS["profiles"])
    form = {"name": "F", "virtual_provider": "f", "enabled": "${ON}", "mode": "${MODE}"}

    assert entry_said(shape, form) == {**form, "targets": []}
    assert entry_said(shape, {**form, "enabled": "on"}, {"enabled": "false"})["enabled"] is True


def test_rows_go_far_and_close_up() -> None:
    form = {"name": "F", "targets.rows": "12"}
    form |= {f"targets.{i}.{part}": f"{part}{i}" for i in range(12) for part in ("model", "priority")}

    far, fewer = moved(form, "targets", 11, 0), dropped(form, "targets", 1)

    assert [far[f"targets.{i}.model"] for i in (0, 1, 2, 11)] == ["model11", "model0", "model1", "model10"]
    assert [far[f"targets.{i}.priority"] for i in (0, 11)] == ["priority0", "priority11"]
    assert [fewer[f"targets.{i}.priority"] for i in (0, 1, 10)] == ["priority0", "priority2", "priority11"]
    assert fewer["targets.rows"] == "11"
    assert "targets.11.model" not in fewer
