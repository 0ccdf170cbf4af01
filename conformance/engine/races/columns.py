"""A race in columns: one a session, and a line a step, in the order in which they ran."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.races.trace import Line, Trace

WIDTH, LEAST = 38, 18  # characters of a session's column
BEGIN: Final = "begin"  # the name of a step that does nothing else


def drawn(heads: Sequence[str], steps: Iterable[tuple[int, str]], most: int = 0) -> list[str]:
    """Return a race as lines.

    Args:
        heads: what stands above the columns.
        steps: in their order, the place of the session and what it did.
        most: how wide the table may be, where its columns are not narrow yet; 0 for any width.
    """
    share = (most - len("  1  ")) // len(heads) - len("  ")
    width = max(min(share, WIDTH), LEAST) if most else WIDTH
    lines = _in_columns("", heads, width)
    for number, (session, said) in enumerate(steps, 1):
        cells = [""] * len(heads)
        cells[session] = said
        lines += _in_columns(str(number), cells, width)
    return lines


def said(trace: Trace, line: Line, names: Sequence[str]) -> str:
    """Return a line of a race in words; `names` are of its sessions."""
    name, sql = trace.scripts[line.session][line.step]
    if sql.startswith("BEGIN") and name != BEGIN:
        name = f"{BEGIN}; {name}"
    if line.waits_for:
        return f"{name} … waits for {' and '.join(names[place] for place in line.waits_for)}"
    if line.outcome:
        return f"{name}: {line.outcome}"
    return f"… {name}: done" if line.waited else name


def _in_columns(head: str, cells: Sequence[str], width: int) -> list[str]:
    wrapped = [_wrapped(cell, width) for cell in cells]
    lines = []
    for row in range(max(map(len, wrapped))):
        texts = [(cell[row] if row < len(cell) else "").ljust(width) for cell in wrapped]
        lines.append(f"{head if row == 0 else '':>3}  {'  '.join(texts)}".rstrip())
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Return a cell's lines; names are broken only where there is less room than usual."""
    return wrap(text, width, break_long_words=width < WIDTH, break_on_hyphens=False) or [""]
