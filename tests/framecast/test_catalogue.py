"""The catalogue, the list of rules, the objects in the database and the near misses agree."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
import pytest
from hypothesis.strategies import SearchStrategy

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path as WritePath
from conformance.framecast.rules import (
    RULES,
    accounts,
    content,
    invitations,
    jobs,
    keys,
    ownership,
    projects,
)
from conformance.framecast.rules.rule import Holds, Rule
from conformance.test_rules import TRIED
from strategies.near_misses import WAYS

AREAS: Final = (accounts, invitations, keys, projects, jobs, content, ownership)
LIST: Final = Path(__file__).parents[2] / "docs" / "rules.md"
ROW: Final = re.compile(r"^\| ([A-Z]+-[A-Z0-9]+) \| ([^|]*) \| (.*) \|$", re.MULTILINE)
SECTIONS: Final = ("Rules", "Rules that the product needs beside those", "What the project adds")
ADDED: Final = re.compile(r"AUTO-[A-Z]+|(PERM|OWN)-1|PRIVACY-[123]")
# A statement of more characters stands in full once; other comments break it off: `…`.
LONG: Final = 100
SAID: Final = re.compile(r"(?:^|[,;] )([A-Z]+-[A-Z0-9]+)(?=[:,])")
NAME: Final = re.compile(r"'([a-z]+(?:_[a-z0-9]+)?__[a-z0-9_]+)'")

# What may enforce a rule: its name, what kind of thing it is, its comment, and the names that its
# function hands on to be rejected with.
OBJECTS: Final = """
SELECT 'constraint', conname::text, obj_description(oid, 'pg_constraint'), '', false
FROM pg_constraint
WHERE connamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
    AND contype IN ('c', 'u', 'f', 'x', 'p')
UNION ALL
SELECT 'index', c.relname, obj_description(c.oid, 'pg_class'), '', false
FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
    AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid)
UNION ALL
SELECT 'trigger', t.tgrelid::regclass || '.' || t.tgname, obj_description(t.oid, 'pg_trigger'),
    p.prosrc, p.prosrc LIKE '%TG_NAME%'
FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'type', typname, obj_description(oid, 'pg_type'), '', false
FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
UNION ALL
SELECT 'function', proname, obj_description(oid, 'pg_proc'), '', false
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


class Object(NamedTuple):
    """Something in the database that may enforce rules.

    `reported` are the names that its rejections carry.
    """

    kind: str
    name: str
    comment: str
    reported: frozenset[str]


@pytest.fixture(scope="module")
def objects(scratch: Scratch, template: Template) -> list[Object]:
    """Read what enforces rules from the database."""
    with scratch.cloned(template, "objects") as database, database.connect() as connection:
        return list(_objects(connection))


def _objects(connection: psycopg.Connection[Any]) -> Iterator[Object]:
    for kind, name, comment, source, names_itself in connection.execute(OBJECTS):
        bare = re.sub(r"^.*\._\d00_", "", name) if kind == "trigger" else name
        reported = set(NAME.findall(source))
        if "__" in bare and (kind != "trigger" or names_itself):
            reported.add(bare)
        yield Object(kind, name, comment or "", frozenset(reported))


def listed() -> Mapping[str, tuple[str, str, str]]:
    """Return section, way to hold and statement of every rule in the list, by id."""
    found: dict[str, tuple[str, str, str]] = {}
    for section in LIST.read_text().split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for name, holds, statement in ROW.findall(section):
            assert name not in found
            found[name] = (title, holds, statement)
    return found


def test_every_rule_stands_once() -> None:
    """No id is given twice, in the catalogue or in the list, and both have the same."""
    ids = [rule.id for area in AREAS for rule in area.RULES]
    assert sorted(set(ids)) == sorted(ids)
    assert set(RULES) == set(ids) == set(listed())
    assert [] == [name for name in ids if RULES[name].token != f"{_snake(name)}__"]


def test_the_list_is_in_three_sections() -> None:
    """The project's own additions to the domain's rules have a section of their own."""
    sections = {name: section for name, (section, _, _) in listed().items()}
    assert set(SECTIONS) == set(sections.values())
    assert {name for name in RULES if ADDED.fullmatch(name)} == {
        name for name, section in sections.items() if section == SECTIONS[2]
    }
    assert {name for name in RULES if name.startswith(("INV-", "CARD-"))} == {
        name for name, section in sections.items() if section == SECTIONS[0]
    }


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_list_says_what_the_catalogue_says(rule: Rule) -> None:
    """A rule's statement is the same in the list, every clause of it."""
    _, holds, words = listed()[rule.id]
    assert holds.split(" (")[0] == str(rule.holds)
    assert words.replace("`", "") == rule.statement


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_enforces_a_rule_exists(rule: Rule, objects: list[Object]) -> None:
    """Every name that the catalogue gives is an object's, or reported by one; none stands twice."""
    reported = {name for each in objects for name in each.reported}
    known = reported | {f"{each.kind} {each.name}" for each in objects}
    assert [] == [name for name in rule.enforced_by if name not in known]
    assert rule.enforced_by
    assert len(set(rule.enforced_by)) == len(rule.enforced_by)


def test_what_bears_a_rules_name_enforces_it(objects: list[Object]) -> None:
    """Every name with a rule's token is in the catalogue, under that rule."""
    rules = {rule.token: rule for rule in RULES.values()}
    reported = {name for each in objects for name in each.reported}
    assert reported
    for name in sorted(reported):
        token = name.partition("__")[0] + "__"
        assert token in rules, name
        assert name in rules[token].enforced_by, name


def test_what_rejects_for_itself_bears_a_rules_name(objects: list[Object]) -> None:
    """A trigger that rejects has a rule's token, even where its function names other rules."""
    tokens = {rule.token for rule in RULES.values()}
    for each in objects:
        bare = re.sub(r"^.*\._\d00_", "", each.name)
        band = re.search(r"\._(\d)00_", each.name)
        if each.reported:
            assert f"{bare.partition('__')[0]}__" in tokens, each
        if band and band[1] in "37":
            assert each.reported, each


def test_every_object_says_its_rules(objects: list[Object]) -> None:
    """Each object that enforces a rule has a comment that begins with an id and gives its words."""
    silent = []
    whole = dict.fromkeys(RULES, 0)
    for each in objects:
        names = {*each.reported, f"{each.kind} {each.name}"}
        served = [rule for rule in RULES.values() if names.intersection(rule.enforced_by)]
        said = SAID.findall(each.comment)
        if served and not SAID.match(each.comment):
            silent.append(f"{each.name}: its comment does not begin with a rule: {each.comment!r}")
        for rule in served:
            is_whole = rule.statement in each.comment
            whole[rule.id] += is_whole
            if rule.id not in said or not (is_whole or _is_begun(rule.statement, each.comment)):
                silent.append(f"{each.name}: {rule.id}: {rule.statement}")
        silent += [
            f"{each.name} says {name}, which it does not enforce"
            for name in said
            if name not in {rule.id for rule in served}
        ]
    assert [] == silent
    assert [] == [name for name, n in whole.items() if n != 1 and len(RULES[name].statement) > LONG]


def _is_begun(statement: str, comment: str) -> bool:
    """Return whether a comment breaks a long statement off where a clause of it ends."""
    return len(statement) > LONG and any(
        f"{statement[: end.start()]} …" in comment for end in re.finditer("[:;.](?= )", statement)
    )


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_tried_along_every_path(rule: str) -> None:
    """Every path has scenarios or a reason; a rule has a path with scenarios, and so tests."""
    ways = WAYS[rule]
    assert set(WritePath) == set(ways)
    reasons = [each for each in ways.values() if isinstance(each, str)]
    assert all(reason.strip() for reason in reasons)
    assert len(ways) == len(reasons) + sum(isinstance(w, SearchStrategy) for w in ways.values())
    tests = [test.id for test in TRIED if str(test.id).startswith(RULES[rule].token)]
    assert len(ways) - len(reasons) == len(tests) > 0


def test_near_misses_are_of_rules() -> None:
    """No near miss is of a rule that there is not."""
    assert set() == set(WAYS) - set(RULES)


def test_a_token_selects_its_rule_alone() -> None:
    """No rule's token is part of another test's name, so that -k runs one rule."""
    names = sorted(str(test.id) for test in TRIED)
    assert [] == [name for name, other in pairwise(names) if name == other]
    for rule in RULES.values():
        chosen = [name for name in names if rule.token in name]
        assert all(name.startswith(rule.token) for name in chosen), rule.id


def test_what_holds_always_is_seen_in_rows() -> None:
    """A rule that holds always asks real rows, unless it is about an order or about bookkeeping."""
    blind = {rule.id for rule in RULES.values() if rule.holds is Holds.ALWAYS and not rule.in_rows}
    assert {"SEQ-1", "SEQ-2", "OWN-1"} == blind


def _snake(name: str) -> str:
    return name.lower().replace("-", "_")
