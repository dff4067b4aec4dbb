"""What the fields of a form say, as an entry: what was not touched stays as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from governance.model.errors import PolicyError
from governance.policy.nodes import read_tree
from governance.usecases.sheets.shape import Shape
from governance.usecases.sheets.write import OTHER, flow, written_fields

MOST_ROWS: Final = 200
_MOST_DIGITS: Final = 9
_NOTHING: Final = object()

Form = Mapping[str, str]


def entry_said(shape: Shape, form: Form, old: Any = None) -> dict[str, Any]:
    """The entry of a form. Whether a policy can hold it is for the policy to say.

    Args:
        old: the entry as it is; its keys that no field is about are kept, and so is how the others are written.
    """
    value = _group(shape, form, "", old)
    return value if isinstance(value, dict) else {}


def rows_of(form: Form, name: str) -> int:
    """How many rows a form has under this name; `MOST_ROWS` and one where there are more than a form may have."""
    text = form.get(f"{name}.rows", "")
    said = number_of(text)
    if said is None:
        return MOST_ROWS + 1 if text.isascii() and text.isdigit() else 0
    return min(MOST_ROWS + 1, said)


def number_of(said: str) -> int | None:
    """The number of a row. One of very many digits is none: no form has it, and reading it takes long."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS else None


def too_many_rows(fields: Form) -> bool:
    """Whether there are more rows than a form shows; what it does not show it would take out."""
    rows = (key.removesuffix(".rows") for key in fields if key.endswith(".rows"))
    return any(rows_of(fields, name) > MOST_ROWS for name in rows)


def _group(shape: Shape, form: Form, name: str, old: Any) -> Any:
    before = old if isinstance(old, dict) else {}
    keys = {str(key).lower(): key for key in before}
    said: dict[str, Any] = {}
    for each in shape.inside:
        key = keys.get(each.key, each.key)
        value = _field(each, form, f"{name}.{each.key}".lstrip("."), before.get(key, _NOTHING))
        if value is not _NOTHING:
            said[key] = value
    kept = {key: value for key, value in before.items() if str(key).lower() not in {s.key for s in shape.inside}}
    order = [key for key in before if key in said or key in kept]
    both = {**said, **kept}
    return {key: both[key] for key in [*order, *(key for key in said if key not in before)]}


def _field(shape: Shape, form: Form, name: str, old: Any) -> Any:
    """`_NOTHING` where it is not said."""
    if old is not _NOTHING and _same(written_fields(shape, old, name), form, name):
        return old
    value = _value(shape, form, name, None if old is _NOTHING else old)
    if old in (None, _NOTHING) and shape.default is not None and value == shape.default:
        return old
    # `limits: {}` and null say as little as a form in which nothing is said of them.
    says_nothing = old is None or (old == {} and not shape.switched)
    return old if says_nothing and value is _NOTHING else value


def _same(written: Form, form: Form, name: str) -> bool:
    sent = {key: text for key, text in form.items() if (key == name or key.startswith(f"{name}.")) and text.strip()}
    return {key: text for key, text in written.items() if text.strip()} == sent


def _value(shape: Shape, form: Form, name: str, old: Any) -> Any:
    text = form.get(name, "").strip()
    match shape.kind:
        case "group" if shape.switched:
            value = _group(shape, form, name, old)
            # Whoever unticks it takes it out; whoever writes into it need not tick it.
            said = not form.get(f"{name}.was") and _says(value)
            return value if shape.required or form.get(f"{name}.used") or said else _NOTHING
        case "group":
            value = _group(shape, form, name, old)
            return value if shape.required or _says(value) else _NOTHING
        case "rows":
            return list(_rows(shape, form, name, old)) or ([] if shape.required else _NOTHING)
        case "parts":
            return _parts(shape, form, name, old)
        case "choice" if shape.inside and text == OTHER:
            return _group(shape, form, name, old)
        case "choice":
            return next((word for word in shape.choices if str(word) == text), text or _NOTHING)
        case "flag":
            return {"on": True, "true": True, "": False, "false": False}.get(text.lower(), text)
        case "checks":
            words = [key.removeprefix(f"{name}.") for key in form if key.startswith(f"{name}.")]
            return words or _NOTHING
        case "several":
            found = [part.strip() for part in text.split(",") if part.strip()]
            return _NOTHING if not found else found if len(found) > 1 or isinstance(old, list) else found[0]
        case "lines":
            was = {flow(each): each for each in (old if isinstance(old, list) else [])}
            return [was.get(line, _plain(line)) for line in text.splitlines() if line.strip()] or _NOTHING
        case "mapping":
            pairs = _plain(text if text.startswith("{") else f"{{{text}}}")
            return _NOTHING if not text else pairs if isinstance(pairs, dict) else text
        case "number":
            return _number(text) if text else _NOTHING
        case _:
            return form.get(name, "").strip() or _NOTHING


def _says(value: Any) -> bool:
    """Whether a group has anything but groups in which nothing is said."""
    return any(map(_says, value.values())) if isinstance(value, dict) else True


def _rows(shape: Shape, form: Form, name: str, old: Any) -> Iterator[Any]:
    of_rows: dict[str, dict[str, str]] = {}
    for key, text in form.items():
        if key.startswith(f"{name}."):
            of_rows.setdefault(key.removeprefix(f"{name}.").partition(".")[0], {})[key] = text
    for i in range(rows_of(form, name)):
        at = f"{name}.{i}"
        sent = of_rows.get(str(i), {})
        was = number_of(sent.get(f"{at}.was", ""))
        listed = old if isinstance(old, list) else []
        before = listed[was] if was is not None and was < len(listed) else None
        row = _group(shape, sent, at, before)
        # A row that nobody has written into is none.
        if row:
            yield row


def _parts(shape: Shape, form: Form, name: str, old: Any) -> Any:
    """`everyone`, or a mapping of kinds to names."""
    found: dict[str, Any] = {}
    for i in range(rows_of(form, name)):
        kind, sent = form.get(f"{name}.{i}.kind", "").strip(), form.get(f"{name}.{i}.name", "")
        named = sent.strip()
        if isinstance(old, dict) and kind in old and flow(old[kind]) == sent:
            found[kind] = old[kind]
            continue
        if kind and kind == str(shape.choices[0]) and not named:
            return kind
        if kind and (named or kind not in found):
            found[kind] = _plain(named) if named.startswith(("{", "[")) else named
    return {kind: value for kind, value in found.items() if value != ""} or (found or _NOTHING)


def _plain(text: str) -> Any:
    """What stands there as YAML, where it is a mapping; else the text."""
    if not text.strip().startswith(("{", "[")):
        return text.strip()
    try:
        tree = read_tree(text, "this")
    except PolicyError:
        return text.strip()
    return text.strip() if tree.problems else tree.data


def _number(text: str) -> Any:
    """What is no number stays a text, so that the policy says what would be right."""
    for made in (int, float):
        try:
            return made(text)
        except ValueError:
            continue
    return text
