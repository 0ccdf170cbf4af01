"""Statements of a script, each with its place."""

from dataclasses import dataclass

from conformance.engine.deployment.tokens import line_of


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file.

    Attributes:
        start: the index in the file at which it begins.
        line: the line, counted from 1, to show for it: its first, or the one that failed.
        text: without the semicolon.
        offset: how many lines of it come before that line.
    """

    start: int
    line: int
    text: str
    offset: int = 0


def statements(sql: str) -> tuple[Statement, ...]:
    """Split a script into its statements, empty ones left out.

    The parser does it where it can. A script that it rejects, because it is wrong or because a
    newer server knows more, is split at the scanner's semicolons; one that cannot even be scanned
    gives no statements.
    """
    from pglast.parser import ParseError, split  # noqa: PLC0415 - slow, and rarely needed

    try:
        cuts = [(cut.start, cut.stop) for cut in split(sql, only_slices=True)]
    except ParseError:
        cuts = _cuts_of_tokens(sql)
    return tuple(Statement(start, line_of(sql, start), sql[start:stop]) for start, stop in cuts)


def _cuts_of_tokens(sql: str) -> list[tuple[int, int]]:
    from pglast.parser import ParseError, scan  # noqa: PLC0415 - as above

    try:
        tokens = scan(sql)
    except ParseError:
        return []
    cuts: list[tuple[int, int]] = []
    start: int | None = None
    parentheses = blocks = 0
    before = ""
    for token in tokens:
        if token.name in ("SQL_COMMENT", "C_COMMENT"):
            continue
        if token.name == "ASCII_59" and parentheses <= 0 and not blocks:
            if start is not None:
                cuts.append((start, token.start))
            start, parentheses, before = None, 0, ""
            continue
        start = token.start if start is None else start
        parentheses += (token.name == "ASCII_40") - (token.name == "ASCII_41")
        if token.name == "ATOMIC" and before == "BEGIN_P":
            blocks = 1
        elif blocks:  # only a body that began with BEGIN ATOMIC holds semicolons of its own
            blocks += (token.name == "CASE") - (token.name == "END_P")
        before = token.name
    if start is not None:
        cuts.append((start, len(sql.rstrip())))
    return cuts
