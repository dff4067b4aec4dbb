"""The proxy's own file with the files that it includes, put together as LiteLLM does."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Final

import yaml

from governance.model.errors import PolicyError, Problem

_INCLUDE: Final = "include"


def read_files(file: Path) -> dict[str, Any]:
    """The configuration that a proxy started with this file has.

    Lists of an included file go behind those before it, anything else takes their place; each file counts once.

    Raises:
        PolicyError: one of the files cannot be read or is not a LiteLLM configuration.

    Source: LiteLLM 1.106-1.110, proxy/common_utils/config_includes.py.
    """
    config = _read(file)
    read = {file.absolute()}
    pending = deque(_included(config, file))
    while pending:
        name, by = pending.popleft()
        location = _found(name, by, file)
        if location in read:
            continue
        read.add(location)
        included = _read(location)
        pending.extend(_included(included, location))
        for key, value in included.items():
            before = config.get(key)
            both = isinstance(before, list) and isinstance(value, list)
            config[key] = [*before, *value] if both and before is not None else value
    config.pop(_INCLUDE, None)
    return config


def _included(config: dict[str, Any], file: Path) -> list[tuple[str, Path]]:
    names = config.pop(_INCLUDE, None) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PolicyError([Problem(str(file), 0, 0, _INCLUDE, "must be a list of file paths")])
    return [(name, file) for name in names]


def _found(name: str, by: Path, root: Path) -> Path:
    """Beside the file that names it, else beside the first one."""
    beside, at_root = ((near.absolute().parent / name).resolve() for near in (by, root))
    return at_root if not beside.exists() and at_root.exists() else beside


def _read(file: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise PolicyError([Problem(str(file), 0, 0, "", "is not UTF-8 text")]) from None
    except OSError as error:
        raise PolicyError([Problem(str(file), 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise PolicyError(
            [Problem(str(file), line, 0, "", f"not valid YAML: {getattr(error, 'problem', error)}")]
        ) from None
    if not isinstance(data, dict):
        raise PolicyError([Problem(str(file), 0, 0, "", "is no LiteLLM configuration: a mapping is expected")])
    return data
