"""How verbs ask a running proxy: where it is, with which key, and what can go wrong on the way."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from governance.cli.terminal import CANNOT_RUN, print_json, shown
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    import httpx

KeyEnvOption = Annotated[
    str, typer.Option("--key-env", help="environment variable that holds an admin's key; asked for when it is not set")
]
URL: Final = "http://127.0.0.1:4000"
KEY_ENV: Final = "LITELLM_MASTER_KEY"
_TIMEOUT_S: Final = 30.0
_LONGEST_MESSAGE: Final = 500


def proxy_address(url: str) -> str:
    """The address of a proxy as it was given. Raises typer.BadParameter where it can be none."""
    if url == URL:
        return url
    import httpx

    try:
        parsed = httpx.URL(url)
        reason = "" if parsed.scheme in ("http", "https") and parsed.host else "it names no machine to ask over http"
    except httpx.InvalidURL as error:
        reason = str(error)
    if reason:
        raise typer.BadParameter(f"`{shown(url)}` is no address of a proxy ({reason}); write one such as {URL}")
    return url


UrlOption = Annotated[
    str, typer.Option("--url", help="the running proxy", envvar="GOVERNANCE_URL", callback=proxy_address)
]


class NotAnswered(GovernanceError):
    """The proxy cannot be asked, or does not do what it was asked.

    Attributes:
        told: the error as the proxy told it, with its `code`; empty where it told none.
    """

    def __init__(self, message: str, told: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.told = told or {}


class RunningProxy:
    """A proxy that serves /governance.

    Args:
        key: never from the command line, where others on the machine would see it.
    """

    def __init__(self, url: str, key: str) -> None:
        # Most verbs ask nobody, and it takes a while to import.
        import httpx

        self.url = url.rstrip("/")
        parsed = httpx.URL(self.url)
        if not key.isascii() or not key.isprintable() or " " in key:
            raise NotAnswered("the key holds blanks or characters that no key has")
        # A proxy of the network has no business between this command and its own machine.
        loopback = parsed.host in ("localhost", "127.0.0.1", "::1")
        self._client = httpx.Client(
            headers={"authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S, trust_env=not loopback
        )

    def get(self, path: str, **asked: str | None) -> Any:
        """The answer of a page, from JSON. Raises NotAnswered.

        Args:
            path: under /governance, such as `/api/usage`.
            asked: query parameters; None leaves one out.
        """
        return self._ask("GET", path, params={name: value for name, value in asked.items() if value is not None})

    def page(self, path: str, key: str, what: str, **asked: str | None) -> dict[str, Any]:
        """The same of a page whose answer has this key; `what` it is, for people. Raises NotAnswered."""
        told = self.get(path, **asked)
        if not isinstance(told, dict) or key not in told:
            raise NotAnswered(
                f"the proxy at {self.url} answers with something else than {what}; is it of another version?"
            )
        return told

    def health(self) -> dict[str, Any]:
        """The health page, also of a worker that fails. Raises NotAnswered, also to who is no admin."""
        told = self._ask("GET", "/health", also=503)
        if not isinstance(told, dict) or "litellm" not in told:
            raise NotAnswered(
                f"the proxy at {self.url} tells its health to admins alone; {KEY_ENV} must hold their key"
            )
        return told

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None, longer_s: float = 0) -> Any:
        """The answer to `body`, sent as JSON. Raises NotAnswered.

        Args:
            longer_s: than other pages it may take.
        """
        return self._ask("POST", path, json=body, headers=headers, timeout=_TIMEOUT_S + longer_s)

    def delete(self, path: str) -> Any:
        """The answer to the end of something. Raises NotAnswered."""
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, also: int | None = None, **how: Any) -> Any:
        """`also`: a status besides those of success whose answer is one."""
        import httpx

        try:
            answer = self._client.request(method, f"{self.url}/governance{path}", **how)
        except httpx.TimeoutException:
            raise NotAnswered(f"the proxy at {self.url} does not answer within {_TIMEOUT_S:.0f} s") from None
        except httpx.HTTPError as error:
            raise NotAnswered(
                f"no proxy answers at {self.url} ({error}); start one with `governance serve`, or name it with --url"
            ) from None
        try:
            told = answer.json()
        except ValueError:
            told = None
        if (answer.is_success or answer.status_code == also) and told is not None:
            return told
        reason = told.get("error") if isinstance(told, dict) else None
        raise NotAnswered(self._reason(answer, told), reason if isinstance(reason, dict) else None)

    def _reason(self, answer: httpx.Response, told: Any) -> str:
        error = told.get("error") if isinstance(told, dict) else None
        message = error.get("message") if isinstance(error, dict) else None
        if answer.status_code == 401:
            return f"the proxy at {self.url} does not know this key; {KEY_ENV} (or --key-env) must hold an admin's key"
        if answer.status_code == 404 and message is None:
            return (
                f"the proxy at {self.url} serves no /governance; is governance.proxy.callback.handler among its "
                "`litellm_settings.callbacks`, and is its governance as new as this one?"
            )
        if message is None:
            return f"{self.url} answers {answer.status_code} and not as a LiteLLM proxy does; is it one?"
        return f"the proxy at {self.url} answers {answer.status_code}: {str(message)[:_LONGEST_MESSAGE]}"


def running_proxy(url: str, key_env: str) -> RunningProxy:
    """The proxy at `url`, with the key of the environment variable `key_env` or of a person. Raises NotAnswered."""
    key = os.environ.get(key_env, "").strip()
    if not key and sys.stdin.isatty():
        key = str(typer.prompt(f"admin key of {url} (${key_env} is not set)", hide_input=True, err=True)).strip()
    if not key:
        raise NotAnswered(f"no key: set {key_env} to an admin's key, or name another variable with --key-env")
    return RunningProxy(url, key)


@contextmanager
def clear_answers(as_json: bool = False) -> Iterator[None]:
    """A proxy that cannot be asked becomes a line on stderr (or JSON on stdout) and exit code 3."""
    try:
        yield
    except NotAnswered as error:
        if as_json:
            print_json({"error": {"message": str(error)}})
        else:
            sys.stderr.write(f"{shown(str(error))}\n")
        raise typer.Exit(CANNOT_RUN) from None
