"""`python -m tests.site`: builds the site into `.site`. With `--serve PORT` shows it on loopback, as it changes."""

from __future__ import annotations

import argparse
import os

from tests.site.building import CONFIGURATION, ROOT, build, mkdocs

parser = argparse.ArgumentParser(prog="python -m tests.site")
parser.add_argument("--serve", type=int, metavar="PORT")
port = parser.parse_args().serve
if port is not None:
    command, environment = mkdocs()
    shown = ["serve", "--strict", "--config-file", str(CONFIGURATION), "--dev-addr", f"127.0.0.1:{port}"]
    os.execve(command[0], [*command, *shown], environment)
done = build(ROOT / ".site")
print(done.stdout + done.stderr, end="")
if done.returncode:
    raise SystemExit(done.returncode)
print("Open .site/index.html, with or without a server.")
