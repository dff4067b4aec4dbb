"""The rows of a form: one more, one less, one in another place."""

from __future__ import annotations

from typing import Final

from governance.usecases.sheets.read import MOST_ROWS, rows_of
from governance.usecases.sheets.shape import Shape
from governance.usecases.sheets.write import written_fields

# What belongs to a place and not to what stands there: whoever is moved before another takes over its priority.
_OF_PLACES: Final = ("priority",)


def added(shape: Shape, form: dict[str, str], name: str) -> dict[str, str]:
    """With one row more, the last, as it is where nothing is said."""
    count = rows_of(form, name)
    if count >= MOST_ROWS:
        return form
    new = written_fields(Shape("", "group", inside=shape.inside), {}, f"{name}.{count}")
    return {**form, **new, f"{name}.rows": str(count + 1)}


def dropped(form: dict[str, str], name: str, at: int) -> dict[str, str]:
    """Without one of the rows; the others close up."""
    count = rows_of(form, name)
    if not 0 <= at < count:
        return form
    for i in range(at, count - 1):
        form = _exchanged(form, name, i, i + 1)
    last = f"{name}.{count - 1}."
    return {**{key: text for key, text in form.items() if not key.startswith(last)}, f"{name}.rows": str(count - 1)}


def moved(form: dict[str, str], name: str, at: int, to: int) -> dict[str, str]:
    """With one of the rows in the place of another; priorities stay where they are."""
    count = rows_of(form, name)
    if not (0 <= at < count and 0 <= to < count):
        return form
    step = 1 if to > at else -1
    for i in range(at, to, step):
        form = _exchanged(form, name, i, i + step, _OF_PLACES)
    return form


def _exchanged(form: dict[str, str], name: str, one: int, other: int, kept: tuple[str, ...] = ()) -> dict[str, str]:
    names = {f"{name}.{one}": f"{name}.{other}", f"{name}.{other}": f"{name}.{one}"}
    made: dict[str, str] = {}
    for key, text in form.items():
        row = next((row for row in names if key.startswith(f"{row}.")), None)
        part = "" if row is None else key.removeprefix(f"{row}.")
        made[key if row is None or part in kept else f"{names[row]}.{part}"] = text
    return made
