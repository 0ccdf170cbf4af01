"""Selection by `-k` and `--rule`: rules by their ids, too, and hints where nothing was selected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from conformance.engine.domain.chosen import RULES
from conformance.engine.domain.names import UnknownRuleError, question, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.engine.kinds.rule import Rule

WORD: Final = re.compile(r"[\w:+\-.\[\]\\/]+")  # as pytest reads an expression
OPERATORS: Final = frozenset({"and", "or", "not"})
GIVEN: Final = pytest.StashKey[str]()  # what `-k` was given
DESELECTED: Final = pytest.StashKey[set[str]]()


def expression(keyword: str, rules: Sequence[str] = ()) -> str:
    """Return what `-k` says: an id such as INV-T6 finds its rule, and whatever it found before.

    Args:
        keyword: as it was given.
        rules: names that `--rule` was given, which narrow it.

    Raises:
        UsageError: A name is no rule's.
    """
    keyword = WORD.sub(_with_token, keyword)
    try:
        tokens = " or ".join(rule(each).token for each in rules)
    except UnknownRuleError as error:
        message = f"--rule: {error}"
        raise pytest.UsageError(message) from None
    return f"({keyword}) and ({tokens})" if keyword and tokens else keyword or tokens


def _with_token(word: re.Match[str]) -> str:
    found = _by_id(word[0])
    return f"({word[0]} or {found.token})" if found else word[0]


def _by_id(word: str) -> Rule | None:
    """Return the rule of an id with a dash, which is in no test's name."""
    return RULES.get(word.rstrip("_").replace("_", "-").upper()) if "-" in word else None


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no test that was left out."""
    config.stash[DESELECTED] = set()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember what tests that `-k` may have left out are called."""
    for item in items[:1]:
        item.config.stash[DESELECTED].update(*map(_names, items))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Say which words of `-k` no test has, and what is near, where nothing was selected."""
    keyword = config.getoption("keyword", default="")
    if keyword and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        for line in hints(keyword, config.stash[DESELECTED]):
            terminalreporter.write_line(line, yellow=True)


def hints(keyword: str, known: set[str]) -> Iterator[str]:
    """Yield a line for each word of an expression that no test has.

    Args:
        keyword: the expression.
        known: what tests are called, and the rules that they are about; nothing, where workers
            alone have looked at the tests. Then a word is told that is nearly a rule's.
    """
    lower = {each.lower() for each in known}
    found = (each for each in dict.fromkeys(WORD.findall(keyword)) if each not in OPERATORS)
    words = [each for each in found if not _by_id(each)]
    missing = [each for each in words if not any(each.lower() in name for name in lower)]
    tokens = {rule.token for rule in RULES.values()}
    for word in missing:
        folded = word.lower().replace("-", "_")
        near = question(folded, {*_parts(lower), *tokens})
        if not known and (not near or any(folded in token for token in tokens)):
            continue
        yield f"-k: no test is called {word}, nor about a rule of that name. {near}".rstrip()
    if not missing and len(words) > 1:
        yield "-k: there are tests for each of these words, and none for what they say together"


def _names(item: pytest.Item) -> set[str]:
    return {*(node.name for node in item.listchain()), *item.listextrakeywords()}


def _parts(names: Iterable[str]) -> Iterator[str]:
    """Yield what somebody would type: names of tests, files and tokens, without what is drawn."""
    return (each.partition("[")[0].removesuffix(".py") for each in names)
