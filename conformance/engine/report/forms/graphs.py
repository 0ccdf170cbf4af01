"""State machines as pictures: where boxes, arrows and counts stand in an SVG."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BOX = (112, 34)  # width and height
STEP = (190, 92)  # from one box to the next
EDGE = 46  # around all of it
BULGE = 30  # of an arrow within a column
NAMED = 0.6  # how far along an arrow its count stands: where several set out, they have parted
NEW = "new"  # where rows begin


@dataclass(frozen=True, slots=True)
class Arrow:
    """A legal move: its path, where its count stands, and how often it was seen."""

    before: str
    after: str
    path: str
    x: float
    y: float
    seen: int


@dataclass(slots=True)
class Graph:
    """A picture: its size, a box a state by its middle, and arrows; then what was refused."""

    width: float
    height: float
    boxes: dict[str, tuple[float, float]] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    illegal: int = 0
    refused: int = 0
    unseen: int = 0


def graph(machine: Mapping[str, Any]) -> Graph:
    """Return the picture of a machine, as a report has it: rows begin on the left."""
    legal = [move for move in machine["moves"] if move["legal"]]
    illegal = [move for move in machine["moves"] if not move["legal"]]
    columns = list(_columns(machine["states"], legal))
    tallest = max(map(len, columns))
    backs = any(_place(columns, each["before"]) > _place(columns, each["after"]) for each in legal)
    picture = Graph(
        2 * EDGE + BOX[0] + STEP[0] * (len(columns) - 1) + BULGE,
        2 * EDGE + BOX[1] + STEP[1] * (tallest - 1) + (EDGE if backs else 0),
        illegal=len(illegal),
        refused=sum(move["seen"] for move in illegal),
        unseen=sum(not move["seen"] for move in machine["moves"]),
    )
    for across, column in enumerate(columns):
        gap = (tallest - len(column)) * STEP[1] / 2
        for down, state in enumerate(column):
            x, y = EDGE + BOX[0] / 2 + across * STEP[0], EDGE + BOX[1] / 2 + gap + down * STEP[1]
            picture.boxes[state] = (x, y)
    for move in legal:
        picture.arrows.append(_arrow(picture.boxes, move))
    return picture


def _columns(states: Sequence[str], legal: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yield the states by how many moves the shortest way to them has; those of none come last."""
    reached, column = {NEW}, [NEW]
    while column:
        yield column
        column = [
            state
            for state in states
            if state not in reached
            and any((each["before"] or NEW) in column and each["after"] == state for each in legal)
        ]
        reached.update(column)
    left = [state for state in states if state not in reached]
    if left:
        yield left


def _place(columns: Sequence[Sequence[str]], state: str | None) -> int:
    return next(at for at, column in enumerate(columns) if (state or NEW) in column)


def _arrow(boxes: Mapping[str, tuple[float, float]], move: Mapping[str, Any]) -> Arrow:
    before, after = move["before"] or NEW, move["after"]
    (x, y), (to_x, to_y) = boxes[before], boxes[after]
    wide, high = (BOX[1] / 2 if before == NEW else BOX[0] / 2), BOX[1] / 2
    if before == after:  # a loop above its box
        points = (x - 18, y - high), (x - 30, y - high - 34), (x + 30, y - high - 34)
        end = (x + 18, y - high)
    elif to_x > x:  # on to the right; above what stands between
        lift = 34 * (round((to_x - x) / STEP[0]) - 1)
        middle = (x + to_x) / 2
        points = (x + wide, y), (middle, y - lift), (middle, to_y - lift)
        end = (to_x - BOX[0] / 2, to_y)
    elif to_x < x:  # back, around the side that is nearer
        heights = [down for _, down in boxes.values()]
        side = -1 if y + to_y < min(heights) + max(heights) else 1
        far = (min(y, to_y) if side < 0 else max(y, to_y)) + side * (high + 40)
        points = (x, y + side * high), (x, far), (to_x, far)
        end = (to_x, to_y + side * high)
    else:  # up or down in a column, beside it
        beside = x + wide + BULGE * abs(to_y - y) / STEP[1]
        points = (x + wide, y), (beside, y), (beside, to_y)
        end = (to_x + wide, to_y)
    (a, b), (c, d), (e, f) = points
    path = f"M{a:g} {b:g} C{c:g} {d:g} {e:g} {f:g} {end[0]:g} {end[1]:g}"
    return Arrow(
        before, after, path, _along(a, c, e, end[0]), _along(b, d, f, end[1]), move["seen"]
    )


def _along(first: float, second: float, third: float, last: float) -> float:
    """Return a coordinate of a curve where its count stands."""
    t, u = NAMED, 1 - NAMED
    return u**3 * first + 3 * u**2 * t * second + 3 * u * t**2 * third + t**3 * last
