"""The demo, as a stranger sees it: every command that it prints is run, and does what the text beside it says."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import ended, run, told, tries, turns


class Demo:
    def __init__(self, text: str, output: Path, process: subprocess.Popen[bytes]) -> None:
        self.text = text
        self.output = output
        self.process = process
        steps = re.split(r"^\d\. ", text, flags=re.MULTILINE)[1:]
        # The last one is for the browser alone.
        sections = [step for step in steps if "Why:" in step]
        self.commands = [self._commands(section) for section in sections]
        self.explanations = [re.findall(r"^.*?(echo .*)$", section, re.MULTILINE)[0] for section in sections]

    @staticmethod
    def _commands(section: str) -> str:
        return "\n".join(
            line
            for line in section.split("Why:")[0].splitlines()
            if (line.startswith("   ") and "curl" in line) or line.strip().startswith(("for ",))
        )

    def run(self, commands: str) -> str:
        done = run(["sh", "-c", commands])
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    output = tmp_path_factory.mktemp("demo") / "output.txt"
    port = os.environ.get("GOVERNANCE_TEST_DEMO_PORT", "4711")
    command = [sys.executable, "-c", "from governance.cli import main; main()", "demo", "--port", port]
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            for _ in turns(process.pid, output):
                assert process.poll() is None, told(output)
                if "Ctrl-C ends it" in output.read_text("utf-8"):
                    break
            yield Demo(output.read_text("utf-8"), output, process)
        finally:
            process.send_signal(signal.SIGINT)
            assert ended(process, output) == 0


@pytest.mark.parametrize("order", ["1234", "4321", "2323", "3142", "11111"])
def test_the_steps_are_true_in_any_order_and_again(demo: Demo, order: str) -> None:
    for step in order:
        answer = demo.run(demo.commands[int(step) - 1])
        targets = re.findall(r"x-governance-target: (\S+)", answer)

        if step == "1":
            assert targets == ["cerebras/glm-4.7"]
        elif step == "2":
            assert targets == ["openai/glm-4.7"]
            assert "x-governance-attempts: 2" in answer
        elif step == "3":
            assert len(targets) == 4
            assert targets == sorted(targets), "once Cerebras is full, it stays so for these"
            assert targets[-1] == "openai/glm-4.7"
            assert targets.count("cerebras/glm-4.7") <= 3
        else:
            statuses = re.findall(r"^HTTP/1.1 (\d+)", answer, re.MULTILINE)
            assert len(statuses) == 3
            assert statuses.count("200") <= 2
            assert statuses[-1] == "429"
            assert re.search(r"retry-after: [1-9]", answer)


def test_the_first_target_serves_a_virtual_model(demo: Demo) -> None:
    assert "x-governance-target: cerebras/glm-4.7" in demo.run(demo.commands[0])
    assert "served by cerebras/glm-4.7, then openai/glm-4.7" in demo.run(demo.explanations[0])


def test_failover_is_shown(demo: Demo) -> None:
    answer = demo.run(demo.commands[1])

    assert "x-governance-target: openai/glm-4.7" in answer
    assert "x-governance-attempts: 2" in answer
    assert "then openai/glm-4.7" in demo.run(demo.explanations[1])


def test_a_full_target_is_passed_over(demo: Demo) -> None:
    answer = demo.run(demo.commands[2])

    assert answer.count("x-governance-target: openai/glm-4.7") >= 1
    assert answer.rstrip().endswith("x-governance-target: openai/glm-4.7")
    assert "requests_exhausted" in demo.run(demo.explanations[2])


def test_the_last_refusal_says_when_to_come_back(demo: Demo) -> None:
    answer = demo.run(demo.commands[3])

    assert answer.count("HTTP/1.1 429") >= 1
    assert re.search(r"retry-after: [1-9]", answer)
    assert re.search(r"refused 429 requests_exhausted, retry after 6\d s", demo.run(demo.explanations[3]))


def test_every_decision_is_told_in_the_terminal(demo: Demo) -> None:
    told = demo.output.read_text("utf-8").split("Each decision is told here as it ends:")[1]

    assert "fast/glm-4.7 -> cerebras/glm-4.7 failed (overloaded)" in told
    assert "tiny/glm-4.7 refused 429 requests_exhausted" in told


def test_the_usage_of_every_limit_is_a_command_away(demo: Demo) -> None:
    demo.run(demo.commands[2])
    (command,) = re.findall(r"^ +(LITELLM_MASTER_KEY=.* usage --watch .*)$", demo.text, re.MULTILINE)
    shown = (demo.run(command.replace("--watch", "--json")) for _ in tries())
    assert any("target:cerebras/glm-4.7" in each for each in shown)
