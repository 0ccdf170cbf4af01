"""Python source: values and calls as text, laid out as formatters leave it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What does not fit into so many columns has a line for each part, which formatters keep for the
# comma at its end, however wide their lines are. Text is cut only where it is longer than either.
NARROW, WIDE = 88, 100
STEP: Final = "    "
REPEATED: Final = 20  # characters alike from which on a text is a product


@dataclass(frozen=True, slots=True)
class Name:
    """A name, or an expression that stands as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function."""

    function: str
    given: Sequence[object] = ()
    named: Mapping[str, object] = field(default_factory=dict)


def written(value: object, indent: str = "", before: str = "", after: str = "") -> str:
    """Return a value as source, in one line if it fits.

    Args:
        value: None, a number, a text, a tuple, a mapping, a `Name` or a `Call`.
        indent: of the line that it stands in.
        before: what stands before it there.
        after: what comes after it there.
    """
    flat = _flat(value)
    if len(indent + before + flat + after) <= NARROW or not _parts(value):
        return flat
    first, parts, last = _opened(value)
    inner = indent + STEP
    lines = [f"{inner}{part}" for name, each in parts for part in _lines(name, each, inner)]
    return "\n".join((first, *lines, indent + last))


def _lines(name: str, value: object, indent: str) -> Iterator[str]:
    """Yield the lines of one part, the first without its indentation."""
    text = value if isinstance(value, str) and not _is_product(value) else None
    flat = f"{indent}{name}{_flat(value)},"
    if text is None or len(flat) <= WIDE or " " not in text:
        yield f"{name}{written(value, indent, name, ',')},"
        return
    room = NARROW - len(indent) - len(STEP) - 3
    pieces = _cut(text, room)
    if not name:
        yield from (*map(quoted, pieces[:-1]), f"{quoted(pieces[-1])},")
        return
    yield f"{name}("
    yield from (f"{STEP}{quoted(piece)}" for piece in pieces)
    yield "),"


def _cut(text: str, room: int) -> list[str]:
    """Cut a text between words, so that no piece is longer than there is room for."""
    pieces = [""]
    for word in text.split(" "):
        if pieces[-1] and len(quoted(pieces[-1] + word)) > room:
            pieces.append("")
        pieces[-1] += f"{word} "
    pieces[-1] = pieces[-1][:-1]
    return pieces


def quoted(text: str) -> str:
    """Return a text as source, in the quotes that formatters prefer."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    body = text.encode("unicode_escape").decode() if not text.isprintable() else None
    if body is None:
        body = text.replace("\\", "\\\\")
    return mark + body.replace(mark, f"\\{mark}") + mark


def _is_product(text: str) -> bool:
    """Return whether a text begins with one letter so often that it is said by a number."""
    return _run(text) >= REPEATED


def _run(text: str) -> int:
    return len(text) - len(text.lstrip(text[:1])) if text else 0


def _flat(value: object) -> str:
    if isinstance(value, Name):
        return value.text
    if isinstance(value, str):
        if _is_product(value):
            run = _run(value)
            rest = f" + {quoted(value[run:])}" if value[run:] else ""
            return f"{quoted(value[0])} * {run}{rest}"
        return quoted(value)
    if not isinstance(value, tuple | dict | Call):
        return repr(value)
    first, parts, last = _opened(value)
    inner = ", ".join(f"{name}{_flat(each)}" for name, each in parts)
    alone = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{first}{inner}{alone}{last}"


def _parts(value: object) -> bool:
    return isinstance(value, tuple | dict | Call) and bool(_opened(value)[1])


def _opened(value: object) -> tuple[str, list[tuple[str, object]], str]:
    """Return what a value begins with, its parts with their names, and what it ends with."""
    if isinstance(value, Call):
        named = [(f"{name}=", each) for name, each in value.named.items()]
        return f"{value.function}(", [*(("", each) for each in value.given), *named], ")"
    if isinstance(value, dict):
        return "{", [(f"{_flat(name)}: ", each) for name, each in value.items()], "}"
    parts = value if isinstance(value, tuple) else ()
    return "(", [("", each) for each in parts], ")"
