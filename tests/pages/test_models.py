"""What providers list, read from the page, with how far it is; and the pages about their models."""

from __future__ import annotations

from tests.pages.conftest import Office
from tests.patience import tries


async def test_providers_are_read_while_others_go_on_and_the_page_says_how_far(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        begun = await browser.send_form("/models/sources", source="")
        during = (await browser.open("/models")).text
        office.models.discovering.may_go_on.set()
        for _ in tries():
            part = (await browser.open("/models/sources")).text
            if "Reading:" not in part:
                break
        unknown = await browser.send_form("/models/sources", source="nobody")

    assert begun.status_code == 303
    assert "Reading: 0 of 1 done." in during
    assert "hx-get" in during.split('id="sources"')[1][:80]
    assert '<td class="r num">2</td>' in part
    assert unknown.status_code == 404


async def test_the_page_about_a_provider_is_set_and_reset(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        done = await browser.send_form("/models/page", source="openai", url="https://docs.example.org", do="set")
        known = dict(office.models.discovering.state.docs_urls)
        wrong = await browser.send_form("/models/page", source="openai", url="http://docs.example.org", do="set")
        await browser.send_form("/models/page", source="openai", do="reset")

    assert done.status_code == 303
    assert known == {"openai": "https://docs.example.org"}
    assert wrong.status_code == 422
    assert "is not https" in wrong.text
    assert not office.models.discovering.state.docs_urls


async def test_models_are_found_by_what_they_can_and_whether_they_are_served(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        served = (await browser.open("/models?all=true&known=served")).text
        unserved = (await browser.open("/models?all=true&known=unserved")).text

    assert "openai/gpt-4o" in served
    assert "openai/gpt-4o" not in unserved


async def test_for_images_each_model_says_whether_it_serves_and_why(office: Office) -> None:
    office.engine = office.of_policy("task_routing: {preset: classic}\n")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        models = (await browser.open("/models?for=video")).text
        asked = '{"modalities": ["text", "video"]}'
        simulated = (await browser.send_form("/simulate", model="balanced/code", more=asked)).text
        plain = (await browser.send_form("/simulate", model="balanced/code")).text
        wrong = await browser.open("/models?for=smell")

    assert "can serve a request with video" in models
    assert "no: the proxy serves no model `gemini/gemini-2.0-flash`" in models
    assert "Who can serve video" in simulated
    assert "task code<small>by the model" in simulated
    assert "Who can serve" not in plain
    assert wrong.status_code == 400
