"""A walk through a page with a gateway in it: a real proxy over the fake providers, in the walk's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.docs.blocks import Block
from tests.docs.walk import Walk
from tests.e2e.conftest import Providers, ending, free_port, wait_until_ready
from tests.e2e.forked import Copy, Original
from tests.patience import ANSWER_S, turns

GATEWAY = "docs/tutorials/index.md"
SERVE = "governance serve --config litellm.yaml --port 4000"


class GatewayOfPages:
    """A walk with a gateway: started where the page says so, waited for where it takes over what the page changed."""

    def __init__(self, folder: Path, providers: Providers, imported: Original) -> None:
        self.port = free_port()
        self.walk = Walk(
            folder,
            GOVERNANCE_STATE_DIR=str(folder / "state"),
            CEREBRAS_API_BASE=f"{providers.url}/cerebras/v1",
            OPENAI_API_BASE=f"{providers.url}/openai/v1",
        )
        self.walk.rewritten = {f"127.0.0.1:{self.port}": "127.0.0.1:4000", "KEY=not-a-key": "KEY=…"}
        self.walk.rewritten |= {str(free_port()): "4100"}  # of what a page starts besides
        self._folder, self._imported, self._running = folder, imported, contextlib.ExitStack()
        self._gateway: Copy | None = None

    def __enter__(self) -> GatewayOfPages:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
        self.walk.run('for file in *.pid; do kill "$(cat "$file")"; done')  # where a page did not come to its end

    def block(self, block: Block) -> Iterator[None]:
        if block.text.strip() == SERVE:
            self._serve()
            return
        before = self._policy()
        yield
        if self._gateway and self._policy() != before:
            self._taken_over()

    def _policy(self) -> str:
        file = self._folder / "governance.yaml"
        return file.read_text("utf-8") if file.exists() else ""

    def _serve(self) -> None:
        """What `governance serve` hands on to LiteLLM, to a copy of a process that has imported it."""
        self._running.close()
        config, output = self._folder / "litellm.yaml", self._folder / "output.txt"
        environment = {
            **self.walk.exported(),
            "GOVERNANCE_POLICY": str(self._folder / "governance.yaml"),
            "LITELLM_WORKER_STARTUP_HOOKS": "governance.proxy.install:install",
        }
        arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(self.port)]
        self._gateway = self._imported.copy(arguments, output, environment)
        self._running.enter_context(ending(self._gateway, output))
        wait_until_ready(f"http://127.0.0.1:{self.port}/health/liveliness", self._gateway, output)

    def _taken_over(self) -> None:
        """The gateway serves by the policy that the page has written."""
        assert self._gateway
        wanted = self.walk.run("governance check governance.yaml --json").stdout
        key = self.walk.exported()["LITELLM_MASTER_KEY"]
        for _ in turns(self._gateway.pid):
            told = httpx.get(
                f"http://127.0.0.1:{self.port}/governance/health",
                headers={"authorization": f"Bearer {key}"},
                timeout=ANSWER_S,
            ).json()
            waits_for_a_start = "is not set" in (told["policy"]["error"] or "")  # of what its environment does not have
            if told["policy"]["revision"] in wanted or waits_for_a_start:
                return
        raise AssertionError(f"the gateway does not take the policy over: {told['policy']}")

    def take(self, page: str) -> None:
        """All blocks of a page."""
        self.walk.page(page, self.block)
