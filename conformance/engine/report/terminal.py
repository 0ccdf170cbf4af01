"""Printer of a run's end: failures by their causes, summaries, and the verdicts last."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING

import pytest

from conformance.engine.console import COLOURED
from conformance.engine.report.reasons import ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.engine.report.record import Failed, Record
    from conformance.engine.report.sections import Sections, Summary

# An id or a path that is longer than a line stays whole, for whoever copies it.
WRAP = partial(wrap, break_long_words=False, break_on_hyphens=False)
UNBROKEN = "\N{NO-BREAK SPACE}"
INDENT = "    "  # of what is left of a line that is wrapped
NEARLY = 1.5  # times as long as the shortest is short, too
MOST_NAMED = 4  # tests that failed for one reason
MOST_SHOWN = 6  # causes whose smallest case is printed, unless more is asked for
LAST = ("replay: ", "kept: ")
PLAIN_CHARACTERS = "fE"  # of pytest's -r, unless somebody chose others
NO_LIST = str.maketrans("", "", PLAIN_CHARACTERS)


class Terminal:
    """Prints on a terminal, as wide as that is."""

    def __init__(
        self, reporter: pytest.TerminalReporter, record: Record, sections: Sections
    ) -> None:
        """Print what was recorded."""
        self._to, self._record, self._sections = reporter, record, sections
        self._options = reporter.config.option

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Print each cause once; within it pytest prints no failure, and lists none at its end."""
        self._to.ensure_newline()  # sections begin where the line of progress stands
        style: str = self._options.tbstyle
        before = len(self._sections.broken)
        self._sections.guarded("failures", self._causes)
        session = self._to._session  # noqa: SLF001 - pytest has no other way to say it
        if len(self._sections.broken) > before and session is not None:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if self._options.reportchars == PLAIN_CHARACTERS:
            self._to.reportchars = self._to.reportchars.translate(NO_LIST)
        self._options.tbstyle = "no"
        try:
            yield
        finally:
            self._options.tbstyle = style

    def summaries(self, summaries: Sequence[Summary]) -> None:
        """Print what each section says: all of it, a line or two, or what is wrong alone."""
        for each in summaries:
            if self._to.verbosity > 0 and (each.lines or each.brief):
                self._to.section(each.title)
                self._print([*each.lines, *each.brief, *each.missed])
        if self._to.verbosity > 0:
            return
        some = [
            f"{each.title}: {line}"
            for each in summaries
            for line in (*(each.brief if self._to.verbosity == 0 else ()), *each.missed)
        ]
        if some:
            self._to.section("summary")
            self._print(some, self._width)

    def reasons(self, lines: Sequence[str]) -> None:
        """Print why rules are unproven."""
        if lines:
            self._to.section("unproven")
            self._print(lines, self._width)

    def verdicts(self, table: Sequence[str], failed: Sequence[str]) -> None:
        """Print a line a rule, and what was found beside them; then what no summary could say.

        Before the counts stands why the run failed.
        """
        if table:
            self._to.section("rules")
            width = 0 if self._to.verbosity > 0 else self._width
            *rows, counts = table
            self._print(rows, width, coloured=True)
            self._print([f"{ended(failed)}{counts}"], self._width, coloured=True)
        for line in self._sections.broken.values():
            self._to.write_line(line, red=True)

    @property
    def _width(self) -> int:
        return self._to.config.get_terminal_writer().fullwidth

    def _print(self, lines: Iterable[str], width: int = 0, *, coloured: bool = False) -> None:
        """Print lines as they are, or wrapped to a width."""
        for line in lines:
            fits = not width or len(line) <= width
            for part in (line,) if fits else WRAP(line, width, subsequent_indent=INDENT):
                said = part.replace(UNBROKEN, " ")
                (self._coloured if coloured else self._to.write_line)(said)

    def _coloured(self, line: str) -> None:
        """Print a line with its verdicts in their colours, where pytest prints in colours."""
        end = 0
        for found in COLOURED.finditer(line):
            self._to.write(line[end : found.start()])
            self._to.write(found[0], **{str(found.lastgroup): True})
            end = found.end()
        self._to.write_line(line[end:])

    def _causes(self) -> None:
        groups: dict[str, list[Failed]] = {}
        for failed in self._record.failed:
            groups.setdefault(failed.cause.key, []).append(failed)
        if not groups:
            return
        tests = {failed.test for failed in self._record.failed}
        words = f"{len(tests)} {'tests' if len(tests) > 1 else 'test'}"
        causes = f"{len(groups)} {'causes' if len(groups) > 1 else 'cause'}"
        self._to.section(f"failures: {words}, {causes}")
        worst = sorted(groups.values(), key=lambda each: (each[0].cause.badness, -len(each)))
        for number, group in enumerate(worst):
            self._cause(group, whole=number < MOST_SHOWN or self._to.verbosity > 0)
        if len(groups) > MOST_SHOWN and self._to.verbosity <= 0:
            self._to.write_line(f"the cases of {len(groups) - MOST_SHOWN} more: -v, or replay")

    def _cause(self, group: Sequence[Failed], *, whole: bool) -> None:
        first = _shown(group)
        tests = list(dict.fromkeys(failed.test for failed in group))
        phase = "" if first.when == "call" else f"{first.when}: "
        if len(tests) > 1:
            said = f"{len(tests)} tests: {first.cause.shared}"
            self._to.write_sep("_", said[: self._width - 4], red=True)
            for test in tests[: MOST_NAMED if whole else 1]:
                self._to.write_line(f"  {test}")
            more = len(tests) - (MOST_NAMED if whole else 1)
            if more > 0:
                self._to.write_line(f"  and {more} more")
        else:
            self._to.write_sep("_", f"{phase}{tests[0]}"[: self._width - 4], red=True)
        if self._options.tbstyle == "no":
            self._to.write_line(f"{phase}{first.cause.said}")
        elif self._options.tbstyle == "line":
            self._to.write_line(first.report.longreprtext.splitlines()[-1])
        elif not whole:
            self._print(_brief(first), self._width)
        else:
            self._told(first)
            for name, content in first.report.sections:
                if self._options.showcapture in {"all", name.split()[1]}:
                    self._to.write_sep("-", name)
                    self._to.write_line(content.rstrip())

    def _told(self, failed: Failed) -> None:
        """Print what a report says, without the name of the worker that it comes from."""
        tell = getattr(failed.report.longrepr, "toterminal", None)
        if tell is None:
            self._to.write_line(str(failed.report.longrepr))
        else:
            tell(self._to.config.get_terminal_writer())


def _brief(failed: Failed) -> Iterator[str]:
    """Return what a failure says in a line, and how to see it again."""
    yield failed.cause.said
    yield from [line for line in failed.report.longreprtext.splitlines() if line.startswith(LAST)][
        -1:
    ]


def _shown(group: Sequence[Failed]) -> Failed:
    """Return the failure to show: a short one, and of those the first, which is a plain write."""
    lengths = [len(failed.report.longreprtext) for failed in group]
    enough = min(lengths) * NEARLY
    return next(failed for failed, length in zip(group, lengths, strict=True) if length <= enough)
