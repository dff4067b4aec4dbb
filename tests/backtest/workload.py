"""Seeded traffic, and the same as it would have been recorded under a policy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from governance.backtest.assumptions import Assumptions
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.lane import Lane
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.policy import Policy
from governance.traffic import Asked, Hop, Size, Told, TraceLine, Used, Who

NOON_US = 1_796_212_800_000_000  # 2026-12-01T12:00:00Z

CATALOG = Catalog(
    [
        {"model_name": "openai/gpt-4o-mini", "litellm_params": {"model": "openai/gpt-4o-mini"}},
        {"model_name": "openai/gpt-4o", "litellm_params": {"model": "openai/gpt-4o"}},
    ],
    {
        "openai/gpt-4o-mini": {
            "input_cost_per_token": 1.5e-7,
            "output_cost_per_token": 6e-7,
            "litellm_provider": "openai",
            "mode": "chat",
        },
        "openai/gpt-4o": {
            "input_cost_per_token": 2.5e-6,
            "output_cost_per_token": 1e-5,
            "litellm_provider": "openai",
            "mode": "chat",
        },
    },
)

PROFILE = """
routing_profiles:
- name: Fast
  virtual_provider: fast
  targets:
  - {provider: openai, model: FIRST, priority: 1}
  - {provider: openai, model: SECOND, priority: 2}
"""


def policy(limits: str = "", *, first: str = "gpt-4o-mini", second: str = "gpt-4o") -> Policy:
    """A profile with two targets, and these limits."""
    text = "version: 1\n" + PROFILE.replace("FIRST", first).replace("SECOND", second) + limits
    return Host.parse(text).policy


def arrivals(
    count: int = 200, *, teams: int = 4, seconds: float = 120.0, seed: int = 1, failing: float = 0.0
) -> list[TraceLine]:
    """Requests for `fast/x`, which the first target would answer, but for a share where it fails."""
    drawn = random.Random(seed)
    lines = []
    for number in range(count):
        at_us = NOON_US + int(drawn.random() * seconds * 1_000_000)
        prompt, answer = drawn.randint(10, 400), drawn.randint(5, 300)
        team = f"t{drawn.randrange(teams)}"
        took_ms = drawn.randint(20, 3000)
        hops = (Hop("openai/gpt-4o-mini", "ok", took_ms=took_ms),)
        if drawn.random() < failing:
            kind = drawn.choice(["rate_limited", "server_error", "content_policy"])
            failed = Hop("openai/gpt-4o-mini", "failed", kind, took_ms=took_ms // 4, status=429)
            hops = (failed, replace(hops[0], target="openai/gpt-4o", start_us=failed.end_us))
        lines.append(
            TraceLine(
                id=f"{seed:04d}-{number:06d}",
                at_us=at_us,
                who=Who(key=f"key-{team}", team=team),
                asked=Asked("fast/x"),
                size=Size(prompt, drawn.choice([None, 256, 512])),
                told=Told("", "route", target="openai/gpt-4o-mini", profile="Fast"),
                hops=hops,
                used=Used(prompt, answer, 0, round(prompt * 0.15 + answer * 0.6)),
                end_us=hops[-1].end_us,
            )
        )
    return sorted(lines, key=lambda line: (line.at_us, line.id))


def recorded(under: Policy, lines: Sequence[TraceLine]) -> list[TraceLine]:
    """The same arrivals as this policy would have left them in the record.

    Whoever is served elsewhere uses there what is recorded of it, which decides who else has room: it is decided anew
    until all of it is `of_one_piece`, which a few never become: two of them then take turns.
    """
    found = _decided(under, lines)
    for _ in range(5):
        again = _decided(under, found)
        if _served(again) == _served(found):
            break
        found = again
    return found


def of_one_piece(under: Policy, lines: Sequence[TraceLine]) -> bool:
    """Whether this policy can have left such a record: decided anew, everybody is served where the record says."""
    return _served(_decided(under, lines)) == _served(lines)


def _served(lines: Sequence[TraceLine]) -> list[str | None]:
    return [line.served for line in lines]


def _decided(under: Policy, lines: Sequence[TraceLine]) -> list[TraceLine]:
    elsewhere = Elsewhere(Assumptions())
    elsewhere.learn(lines)
    lane = Lane(Host.start(under), CATALOG, elsewhere)
    done = [lane.arrive(line) for line in lines]
    lane.finish()
    found = []
    for line, one in zip(lines, done, strict=True):
        if one.refused:
            told = Told(
                under.revision, "refuse", code=one.code, status=429, limit=one.limit, retry_after_s=one.retry_after_s
            )
            found.append(replace(line, told=told, hops=(), used=None, end_us=0))
        else:
            hops = tuple(Hop(name, how, error or None, took_ms=ms) for name, how, error, ms in one.hops)
            told = Told(under.revision, one.outcome, target=one.target or "", profile=one.profile)
            found.append(replace(line, told=told, hops=hops))
    return found
