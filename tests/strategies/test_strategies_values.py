"""Strategies of values: the legal ones are legal, and the near misses miss.

Each strategy of legal values stands beside the one of near misses and the predicate between them.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis.strategies import SearchStrategy

import strategies as s
from strategies.text import texts
from tests.support.drawing import examples, reaches, simplest
from tests.support.legality import (
    URN_FORMS,
    are_events,
    is_asset_size,
    is_bounded,
    is_content_type,
    is_email,
    is_filename,
    is_period,
    is_project_name,
    is_sfx_id,
    is_slug,
    is_storable,
    is_team_name,
    is_url,
    is_urn,
)

USER = UUID("0123abcd-0000-4000-8000-00000000000a")
TEAM = UUID("00000000-0000-4000-8000-000000000001")


SIDES: dict[str, tuple[SearchStrategy[Any], SearchStrategy[Any], Callable[[Any], bool]]] = {
    "email": (s.emails(), s.broken_emails(), is_email),
    "numbered_email": (s.emails(12_345, mark="guest"), s.broken_emails(), is_email),
    "slug": (s.slugs(), s.broken_slugs(), is_slug),
    "numbered_slug": (s.slugs(12_345), s.broken_slugs(), is_slug),
    "team_name": (s.team_names(), s.broken_team_names(), is_team_name),
    "unsluggable_name": (s.unsluggable_names(), s.broken_team_names(), is_team_name),
    "project_name": (s.project_names(), s.broken_project_names(), is_project_name),
    "urn": (s.urns(), s.broken_urns(), is_urn),
    "urn_of": (s.urns(team=TEAM, user=USER), s.broken_urns(team=TEAM, user=USER), is_urn),
    "urn_of_digits": (s.urns(user=str(TEAM)), s.broken_urns(team=TEAM, user=TEAM), is_urn),
    "period": (s.periods(), s.broken_periods(), is_period),
    "numbered_period": (s.periods(95_999), s.broken_periods(), is_period),
    "url": (s.urls(), s.broken_urls(), is_url),
    "content_type": (s.content_types(), s.broken_content_types(), is_content_type),
    "events": (s.events(), s.broken_events(), are_events),
    "hash": (s.hashes(7), s.broken_hashes(), bool),
    "filename": (s.filenames(), s.broken_filenames(), is_filename),
    "system_asset_id": (s.system_asset_ids("sfx"), s.broken_system_asset_ids("sfx"), is_sfx_id),
    "numbered_asset_id": (
        s.system_asset_ids("sfx", 12_345),
        s.broken_system_asset_ids("sfx"),
        is_sfx_id,
    ),
    "charge": (s.charges(), s.over_refunds(), is_bounded),
    "attempts": (s.attempts(), s.over_attempts(), is_bounded),
    "asset_size_above": (s.asset_sizes(), s.oversizes(), is_asset_size),
    "asset_size_below": (s.asset_sizes(), s.non_positive_sizes(), is_asset_size),
    "int32": (s.int32s(), s.negative_int32s(), lambda number: 0 <= number < 2**31),
    "int64": (s.int64s(1), s.negative_int64s(), lambda number: 1 <= number < 2**63),
    **{
        f"label_{enum}": (s.labels(enum), s.broken_labels(enum), set(labels).__contains__)
        for enum, labels in s.ENUMS.items()
    },
    **{
        f"order_strict_{strict}": (
            s.ordered_pairs(strict=strict),
            s.disordered_pairs(strict=strict),
            (lambda pair: pair[0] < pair[1]) if strict else (lambda pair: pair[0] <= pair[1]),
        )
        for strict in (True, False)
    },
}


@pytest.mark.parametrize("kind", SIDES)
def test_legal_values_are_legal(kind: str) -> None:
    """Every value that a strategy calls legal satisfies a predicate written apart from it."""
    legal, _, predicate = SIDES[kind]
    assert [] == [value for value in examples(legal) if not predicate(value)]


@pytest.mark.parametrize("kind", SIDES)
def test_near_misses_miss(kind: str) -> None:
    """No value that a strategy calls broken satisfies the predicate of the legal ones."""
    _, broken, predicate = SIDES[kind]
    assert [] == [value for value in examples(broken) if predicate(value)]


def test_names_hold_what_postgres_stores() -> None:
    """Names go beyond ASCII and the Basic Multilingual Plane, but hold no NUL and no surrogate."""
    drawn = [name for names in (texts(100), s.team_names()) for name in examples(names)]
    assert all(is_storable(name) for name in drawn)
    assert any(ord(max(name, default=" ")) > 0xFFFF for name in drawn)


@pytest.mark.parametrize(
    "trait",
    [
        lambda name: len(name) == 100,
        lambda name: not re.search("[a-zA-Z0-9]", name),
        lambda name: name != name.strip(),
        lambda name: re.fullmatch(r"[!-/:-@\[-`{-~]+", name),
        lambda name: len(name.lower()) > len(name),
        lambda name: name[49:50] in {"-", " "},
    ],
    ids=["100_long", "no_ascii", "to_strip", "punctuation", "grows_in_lower_case", "cut_at_space"],
)
def test_unsluggable_names_have_every_trait(trait: Callable[[str], object]) -> None:
    """Among the names that are hard to make a slug from is one of each sort."""
    assert reaches(s.unsluggable_names(), trait)


def test_recased_emails_differ_only_in_case() -> None:
    """An email is recased in several ways, each of them the same email."""
    drawn = set(examples(s.recased_emails("Ada@Example.com")))
    assert {"ada@example.com"} == {text.lower() for text in drawn}
    assert 4 == len(drawn)


@pytest.mark.parametrize("form", URN_FORMS)
def test_urns_appear_in_every_form(form: str) -> None:
    """Each of the three forms is drawn, of any id and of given ids."""
    for strategy in (s.urns(), s.urns(team=TEAM, user=USER)):
        assert reaches(strategy, lambda urn: re.fullmatch(URN_FORMS[form], urn))


def test_urn_functions_spell_the_domain() -> None:
    """The three functions write ids in lower case, however they were given."""
    assert "framecast:user:0123abcd-0000-4000-8000-00000000000a" == s.user_urn(USER)
    assert "framecast:team:0123abcd-0000-4000-8000-00000000000a" == s.team_urn(str(USER).upper())
    assert f"framecast:{TEAM}:{USER}" == s.member_urn(TEAM, USER)


@pytest.mark.parametrize(
    "step",
    [
        lambda urn: urn == "",
        lambda urn: urn != urn.lower() and is_urn(urn.lower()),
        lambda urn: urn.endswith(":"),
        lambda urn: urn.endswith(" ") and is_urn(urn[:-1]),
        lambda urn: urn.endswith("\n") and is_urn(urn[:-1]),
        lambda urn: "{" in urn and is_urn(urn.replace("{", "").replace("}", "")),
        lambda urn: re.search("[0-9a-f]{32}", urn),
        lambda urn: urn.startswith("framecast:teams:"),
        lambda urn: urn.count(":") == 3,
        lambda urn: urn.count(":") == 1,
        lambda urn: urn[:1] == " " and is_urn(urn[1:]),
    ],
)
def test_broken_urns_take_every_step(step: Callable[[str], object]) -> None:
    """Each of the smallest steps out of a URN is drawn."""
    reaches(s.broken_urns(team=TEAM, user=USER), step)


@pytest.mark.parametrize("open_end", ["{}$", "^{}"])
def test_every_scenario_meets_a_pattern_with_an_open_end(open_end: str) -> None:
    """Of each kind there is a broken URN: also one that a pattern without ^ or $ lets pass."""
    pattern = open_end.format(f"(?:{'|'.join(URN_FORMS.values())})").replace("$", r"\Z")
    for several in examples(s.broken_urns_of_each_kind(team=TEAM, user=USER), 100):
        assert not any(map(is_urn, several))
        assert any(re.search(pattern, urn) for urn in several)


def test_urls_appear_with_every_part() -> None:
    """URLs come with user, port, path, query, fragment, IPv6 host, upper case, and 2048 long."""
    drawn = examples(s.urls(), 500)
    parts = [urlsplit(url) for url in drawn]
    assert {True, False} == {part.username is not None for part in parts}
    assert {None, 443, 1, 65_535} == {part.port for part in parts}
    assert any(part.query for part in parts)
    assert any(part.fragment for part in parts)
    assert {"", "/"} <= {part.path for part in parts}
    assert any("[" in part.netloc for part in parts)
    assert any(url.startswith("HTTPS://") for url in drawn)


def test_events_are_every_subset() -> None:
    """All 63 non-empty subsets of the events are drawn, the first event alone being simplest."""
    drawn = {frozenset(labels) for labels in examples(s.events(), 2_000)}
    assert 63 == len(drawn)
    assert ["job.queued"] == simplest(s.events())


def leaves(value: s.Json) -> Iterator[object]:
    """Every scalar and key of a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@pytest.mark.parametrize("strategy", [s.jsonb(), s.json_objects(), s.scopes()])
def test_documents_hold_what_jsonb_stores(strategy: SearchStrategy[s.Jsonb]) -> None:
    """Documents survive JSON text, and hold no NUL, surrogate, NaN or infinity."""
    for document in examples(strategy):
        assert document.value == json.loads(str(document))
        for leaf in leaves(document.value):
            assert not isinstance(leaf, str) or is_storable(leaf)
            assert not isinstance(leaf, float) or math.isfinite(leaf)


@pytest.mark.parametrize("kind", [dict, list, str, int, float, bool, type(None)])
def test_documents_are_of_every_kind(kind: type) -> None:
    """Documents are drawn of every kind that JSON knows."""
    assert isinstance(reaches(s.jsonb(), lambda it: type(it.value) is kind).value, kind)


def test_objects_and_scopes_are_what_they_say() -> None:
    """Objects are JSON objects, and scopes are non-empty arrays of texts."""
    assert {dict} == {type(it.value) for it in examples(s.json_objects())}
    for scopes in examples(s.scopes()):
        assert isinstance(scopes.value, list)
        assert scopes.value
        assert all(isinstance(name, str) for name in scopes.value)


def test_drawn_documents_share_nothing() -> None:
    """To change a document that was drawn changes no other one."""
    for document in examples(s.json_objects()):
        assert isinstance(document.value, dict)
        assert "changed" not in document.value
        document.value["changed"] = True


def test_every_label_is_drawn() -> None:
    """Every label of every enum type is drawn, and no type's labels repeat."""
    for enum, labels in s.ENUMS.items():
        assert set(labels) == set(examples(s.labels(enum)))
        assert len(labels) == len(set(labels))


def test_labels_of_other_types_are_near_misses() -> None:
    """An owner is no role to invite as, though a membership may have it."""
    assert reaches(s.broken_labels("invitation_role"), lambda label: label == "owner")
