"""The rules that each test is part of the proof of, and what selects the tests of one rule.

A test says so by its marker `rules`, whose arguments are ids of the catalogue. A test about many
rules at once, such as a hostile run, is marked `wide`: what it finds of one rule says nothing of
the others, while nothing at all is known of any of them where it could not run: nor where such a
test `ends` at what the schema lacks, as a run of operations does.

A test that is `near` a rule is part of that rule's run, and of no proof: it tries what the same
objects do beside the rule, such as the order of their locks.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest

from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.report.parts import Part, Parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.cases.scenario import ColumnCase

MARK = "rules"
DESCRIPTION = (
    "rules(*ids, wide=False, ends=False, near=()): the rules that a test is part of the proof of;"
    " wide: each of many, of which one finding concerns one; ends: at what the schema lacks;"
    " near: the rules whose runs hold it too"
)
WORD = re.compile(r"\w+")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", DESCRIPTION)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `-k inv_t2__` find every test that is part of the proof of INV-T2, or near it."""
    for item in items:
        rules = rules_of(item) | near_to(item)
        item.extra_keyword_matches.update(RULES[rule].token for rule in rules)


def rules_of(item: pytest.Item) -> frozenset[str]:
    """Return the ids of the rules that a test is part of the proof of."""
    named = (rule for mark in item.iter_markers(MARK) for rule in mark.args)
    return frozenset(rule for rule in named if rule in RULES)


def near_to(item: pytest.Item) -> frozenset[str]:
    """Return the ids of the rules whose runs hold a test that is no part of their proof."""
    named = (rule for mark in item.iter_markers(MARK) for rule in mark.kwargs.get("near", ()))
    return frozenset(rule for rule in named if rule in RULES)


def is_wide(item: pytest.Item) -> bool:
    """Return whether a test is about many rules, so that a finding about one concerns no other."""
    return _is_marked(item, "wide")


def _is_marked(item: pytest.Item, how: str) -> bool:
    return any(mark.kwargs.get(how, False) for mark in item.iter_markers(MARK))


def about(
    rules: Iterable[str], *, wide: bool = False, ends: bool = False, near: Iterable[str] = ()
) -> pytest.MarkDecorator:
    """Return the marker of a test of these rules; what is no rule of the catalogue is left out."""
    own = sorted({rule for rule in rules if rule in RULES})
    further = tuple(sorted({*near}.difference(own)))
    return pytest.mark.rules(*own, wide=wide, ends=ends, near=further)


def about_none(*, near: Iterable[str] = ()) -> pytest.MarkDecorator:
    """Return the marker of a test that is part of a whole run, and of no rule's proof."""
    return about((), near=near)


def of_tables(tables: Iterable[str]) -> frozenset[str]:
    """Return the rules that speak of any of these tables."""
    some = frozenset(tables)
    return frozenset(rule.id for rule in RULES.values() if some.intersection(rule.tables))


def other_tables() -> frozenset[str]:
    """Return the tables that a rule speaks of, and that are none of the domain's."""
    return frozenset().union(*(rule.tables for rule in RULES.values())).difference(COLUMNS)


def of_token(name: str) -> frozenset[str]:
    """Return the rule whose token a name begins with; none, where it begins with none."""
    return frozenset(rule.id for rule in RULES.values() if name.startswith(rule.token))


def of_form(case: ColumnCase) -> frozenset[str]:
    """Return the rules that a fact of a table's columns is part of the proof of.

    Those that refuse under its token or by its type; those whose violation query reads its columns;
    where it names neither type nor column, those of its tables.
    """
    words = frozenset(WORD.findall(case.name)) | {case.by[1]}
    columns = words & {column for table in case.tables for column in COLUMNS.get(table, ())}
    named = {rule.id for rule in RULES.values() if case.token in rule.tokens or words & rule.types}
    read = of_tables(table.rpartition(".")[2] for table in case.tables)
    if columns:  # every query reads ids
        some = columns - {"id"}
        read = frozenset(each for each in read if some & _words(RULES[each].violations))
    elif named:
        read = frozenset()
    return read | named


def parts_of(items: Iterable[pytest.Item], left: Sequence[pytest.Item] = ()) -> Parts:
    """Return the parts that these tests are, and what is left out."""
    alone = (item for item in left if not is_wide(item))
    by_rules = Counter(rule for item in alone for rule in rules_of(item))
    return Parts({item.nodeid: _part(item) for item in items}, len(left), by_rules)


def _part(item: pytest.Item) -> Part:
    own = "case_runner" in getattr(item, "fixturenames", ())
    marked = item.get_closest_marker(MARK) is not None
    return Part(tuple(sorted(rules_of(item))), is_wide(item), own, marked, _is_marked(item, "ends"))


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text))
