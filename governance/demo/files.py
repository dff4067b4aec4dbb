"""Where the files of the demo are: beside the code in an installed wheel, in `config/` in a checkout."""

from __future__ import annotations

from pathlib import Path

import governance


def config_file(name: str) -> Path:
    """The path of a file of `config/`."""
    package = Path(governance.__file__).parent
    installed = package / "config" / name
    return installed if installed.exists() else package.parent / "config" / name
