"""What a plugin may look like: everything else is refused when the policy is loaded, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from governance.engine.host import Host
from governance.engine.plugins import PluginFault, installed, plugin_class, section_model
from governance.hookspecs import hookimpl
from governance.model import Request, Ruling
from governance.model.errors import PolicyError
from governance.policy import Policy


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AsyncHook:
    @hookimpl
    async def pre_request(self, request: Request) -> None: ...


class AsyncGenerator:
    @hookimpl
    async def pre_request(self, request: Request) -> Any:
        yield


class Wrapper:
    @hookimpl(wrapper=True)
    def pre_request(self, request: Request) -> Iterator[None]:
        return (yield)


class OldWrapper:
    @hookimpl(hookwrapper=True)
    def select_targets(self, request: Request) -> Iterator[None]:
        yield


class UnknownHook:
    @hookimpl
    def before_request(self, request: Request) -> None: ...


class WrongArgument:
    @hookimpl
    def pre_request(self, request: Request, headers: dict[str, str]) -> None: ...


def start(plugin: object) -> Host:
    return Host(Policy("test", "sha256:0"), [("mine", plugin)])


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (AsyncHook, "plugin `mine`: pre_request is `async`; hooks are plain functions, the engine does the waiting"),
        (AsyncGenerator, "plugin `mine`: pre_request is `async`; hooks are plain functions"),
        (Wrapper, "plugin `mine`: pre_request is a wrapper; write a plain hook"),
        (OldWrapper, "plugin `mine`: select_targets is a wrapper; write a plain hook"),
        (
            UnknownHook,
            "plugin `mine`: unknown hook 'before_request'; "
            "hooks are pre_request, select_targets, charge_targets, on_failure, on_success",
        ),
        (WrongArgument, "plugin `mine`: "),
        (WrongArgument, "{'headers'} are declared in the hookimpl but can not be found in the hookspec"),
    ],
)
def test_a_hook_that_cannot_work_is_refused_at_the_start(plugin: Callable[[], object], message: str) -> None:
    with pytest.raises(PluginFault) as refused:
        start(plugin())

    assert message in str(refused.value)


def test_a_hook_may_take_fewer_arguments_than_there_are() -> None:
    class Brief:
        @hookimpl
        def pre_request(self) -> Ruling:
            return Ruling(model="other")

        @hookimpl
        def select_targets(self, targets: Any) -> None: ...

    assert start(Brief()).plugins.keys() == {"mine"}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Puts a distribution with one plugin on the path, as pip would."""

    def put(name: str, module: str) -> None:
        (tmp_path / f"{name}_module.py").write_text(module)
        facts = tmp_path / f"{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[governance.plugins]\n{name} = {name}_module:Plugin\n")
        monkeypatch.syspath_prepend(tmp_path)
        installed.cache_clear()

    yield put
    installed.cache_clear()


PLUGIN = """
from pydantic import BaseModel, ConfigDict
class Plugin:
    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        size: int = 1
    def __init__(self, config):
        self.size = 1 / config.size
"""


def test_an_installed_plugin_gets_its_section_of_the_policy(install: Callable[[str, str], None]) -> None:
    install("trial_good", PLUGIN)

    assert Host.parse("trial_good: {size: 4}").plugins["trial_good"].size == 0.25
    assert Host.parse("plugins: [trial_good]").plugins["trial_good"].size == 1
    assert Host.parse("version: 1").plugins == {}, "only what the policy names is loaded"


def test_the_section_of_a_plugin_is_checked_by_its_own_config(install: Callable[[str, str], None]) -> None:
    install("trial_checked", PLUGIN)

    with pytest.raises(PolicyError) as refused:
        Host.parse("trial_checked:\n  sise: 4\n", "governance.yaml")

    assert str(refused.value) == (
        "governance.yaml:2: trial_checked.sise: unknown key, did you mean `size`?; known: size"
    )


@pytest.mark.parametrize(
    ("name", "module", "message"),
    [
        ("trial_broken", "import no_such_module_anywhere", "cannot be imported: ModuleNotFoundError: "),
        ("trial_exits", "raise RuntimeError('out of cheese')", "cannot be imported: RuntimeError: out of cheese"),
        ("trial_syntax", "def", "cannot be imported: SyntaxError: "),
        ("trial_absent", "x = 1", "cannot be imported: AttributeError: "),
        ("trial_object", "Plugin = object()", "must be a class with a pydantic model `Config`"),
        ("trial_bare", "class Plugin: ...", "must be a class with a pydantic model `Config`"),
        ("trial_dict", "class Plugin:\n    Config = dict", "must be a class with a pydantic model `Config`"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named(
    install: Callable[[str, str], None], name: str, module: str, message: str
) -> None:
    install(name, module)

    with pytest.raises(PluginFault) as refused:
        Host.parse(f"{name}: {{}}")

    assert str(refused.value).startswith(f"plugin `{name}`")
    assert message in str(refused.value)


def test_a_plugin_that_does_not_start_is_named(install: Callable[[str, str], None]) -> None:
    install("trial_late", PLUGIN)

    with pytest.raises(PluginFault) as refused:
        Host.parse("trial_late: {size: 0}")

    assert str(refused.value) == "plugin `trial_late` does not start: ZeroDivisionError: division by zero"


def test_a_broken_plugin_that_no_policy_names_harms_nobody(install: Callable[[str, str], None]) -> None:
    install("trial_unused", "raise RuntimeError('out of cheese')")

    assert Host.parse("version: 1").plugins == {}


def test_the_built_in_plugins_come_through_the_same_door() -> None:
    assert installed()["routing_profiles"].group == "governance.plugins"
    assert section_model("routing_profiles") is plugin_class("routing_profiles").Config  # type: ignore[attr-defined]
