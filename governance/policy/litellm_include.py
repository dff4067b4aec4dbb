"""The proxy's own file with the files that it includes, put together as LiteLLM does."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError

from governance.model.errors import PolicyError, Problem
from governance.policy.yaml_mistakes import yaml_problem

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
        text = file.read_text("utf-8")
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - the safe one
    except UnicodeDecodeError:
        raise PolicyError([Problem(str(file), 0, 0, "", "is not UTF-8 text")]) from None
    except OSError as error:
        raise PolicyError([Problem(str(file), 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    except yaml.YAMLError as error:
        raise PolicyError([yaml_problem(str(file), text, error)]) from None
    except RecursionError:
        raise PolicyError([Problem(str(file), 0, 0, "", "nested too deeply")]) from None
    if not isinstance(data, dict):
        raise PolicyError([Problem(str(file), 0, 0, "", "is no LiteLLM configuration: a mapping is expected")])
    return data


class _Loader(yaml.SafeLoader):
    """What LiteLLM reads with, and where a value stands that looks like something and is none."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError:
            kind = "a date" if node.tag.endswith(":timestamp") else "a number"
            said = f"`{node.value}` looks like {kind} and is none; put it in quotes"
            raise ConstructorError(None, None, said, node.start_mark) from None
