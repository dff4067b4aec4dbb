"""What the demo shows, as commands to paste."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path


def tour(proxy_url: str, providers_url: str, policy: Path, key: str) -> str:
    """The text that the demo prints when everything runs.

    Args:
        key: the proxy's master key, made for this run.
    """
    fast = _ask(proxy_url, "fast/glm-4.7", key)
    few = _ask(proxy_url, "few/glm-4.7", key)
    tiny = _ask(proxy_url, "tiny/glm-4.7", key)
    return f"""
A governed LiteLLM proxy is running on {proxy_url}
Its policy is {policy}; its providers are fakes on {providers_url}.

Its pages are on {proxy_url}/governance/ui; log in with the key {key}
Overview shows each request below within seconds, and Decisions says why it went as it did.

In another terminal, paste, in any order:

1. A virtual model. The first target of the profile serves it: look for `x-governance-target: cerebras/glm-4.7`.

{fast}

   Why: {_explain(policy, "fast/glm-4.7")}
   Page: Decisions, and there the newest one.

2. Failover. While Cerebras fails, openai/glm-4.7 answers the same request, after two attempts.

   curl -s -o /dev/null -X POST '{providers_url}/_control/cerebras/fail?status=503'
{fast}
   curl -s -o /dev/null -X POST '{providers_url}/_control/cerebras/ok'

   Why: the decision that is told here names the failed attempt. Asked beforehand, it names who would be next:
        {_explain(policy, "fast/glm-4.7")}
   Page: Overview, where the strip of cerebras/glm-4.7 turns red.

3. A full target. The profile `few` has room for 3 requests a minute at Cerebras. Of these four at least the last
   goes to openai/glm-4.7, at once: pasted again within the minute, all that find no room.

   for i in 1 2 3 4; do
{few} | grep -i x-governance-target; done

   Why: {_explain(policy, "few/glm-4.7", "cerebras/glm-4.7", 3)}
   Page: Near the edge, which says when there is room again; Simulate, which asks without a request.

4. Nowhere left to go. The profile `tiny` has room for 2 requests a minute. Of these three at least the last gets a
   429 that says when to come back.

   for i in 1 2 3; do
{tiny} | grep -iE '^HTTP|^retry-after|"error"'; done

   Why: {_explain(policy, "tiny/glm-4.7", "openai/glm-4.7", 2)}
   Page: paste the error into “Why?”, open the refusal, and “Try again with…” another model.

5. Change it. The policy of the demo is a file, so a review ends with the patch for it; what holds for a while
   needs none.

   Page: Profiles, where Edit opens `few` as a form; Switches, where `cerebras/*` is kept free for ten minutes.

How full every limit is, again every two seconds:

   LITELLM_MASTER_KEY={key} {_program()} usage --watch --url {proxy_url}

Any OpenAI or Anthropic SDK works with base URL {proxy_url} and that key, e.g. model="fast/glm-4.7".
Ctrl-C ends it. Each decision is told here as it ends:

"""


def _ask(proxy_url: str, model: str, key: str) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
    headers = f"-H 'authorization: Bearer {key}' -H 'content-type: application/json'"
    return f"   curl -si -w '\\n' {proxy_url}/v1/chat/completions {headers} -d {shlex.quote(body)}"


def _explain(policy: Path, model: str, full: str | None = None, used: int = 0) -> str:
    given = {"body": {"model": model}} | ({"usage": [{"target": full, "used": used}]} if full else {})
    return f"echo {shlex.quote(json.dumps(given))} | {_program()} explain - --policy {shlex.quote(str(policy))}"


def _program() -> str:
    beside = Path(sys.executable).parent / "governance"
    return shlex.quote(str(beside)) if beside.exists() else "governance"
