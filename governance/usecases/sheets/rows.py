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
    order = [i for i in range(count) if i != at]
    return {**_in_order(form, name, order), f"{name}.rows": str(count - 1)}


def moved(form: dict[str, str], name: str, at: int, to: int) -> dict[str, str]:
    """With one of the rows in the place of another; priorities stay where they are."""
    count = rows_of(form, name)
    if not (0 <= at < count and 0 <= to < count):
        return form
    order = [i for i in range(count) if i != at]
    order.insert(to, at)
    return _in_order(form, name, order, _OF_PLACES)


def _in_order(form: dict[str, str], name: str, order: list[int], kept: tuple[str, ...] = ()) -> dict[str, str]:
    """The rows of these numbers, in this order; the parts that are `kept` stay in their places."""
    places = {str(row): str(place) for place, row in enumerate(order)}
    made: dict[str, str] = {}
    for key, text in form.items():
        row, stroke, part = key.removeprefix(f"{name}.").partition(".")
        if not key.startswith(f"{name}.") or not stroke or not row.isdigit() or part in kept:
            made[key] = text
        elif row in places:
            made[f"{name}.{places[row]}.{part}"] = text
    return made
