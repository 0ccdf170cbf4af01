"""Texts that have to be spelled in a certain way, and all that is one character away from them.

What is drawn meets few of the places where a pattern could be wrong; a letter left out, put in or
changed at every place meets them all. Whether the result is legal is worked out here without a
pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from conformance.engine.cases.scenario import ColumnCase
from conformance.engine.sql.writes import Insert, Row
from conformance.framecast.rules import RULES
from strategies.column_cases import CHECK
from strategies.near_misses.ownership import owned
from strategies.owners import member_urn, team_urn, user_urn
from strategies.spelled_urls import HTTPS_URLS, NO_HTTPS_URLS
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FIRST, SECOND = UUID("01234567-89ab-cdef-fedc-ba9876543210"), UUID(int=0)
DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"


def spelling() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    yield from acting()
    yield _urls()
    urns = (user_urn(FIRST), team_urn(FIRST), member_urn(FIRST, SECOND))
    for urn, name in zip(urns, ("user", "team", "member"), strict=True):
        known = (urn, urn.replace("0123", "ffff"))
        yield _spelled(f"usage.owner of a {name}", "URN-1", known, is_urn, _usage("owner"))
    for table in ("api_keys", "jobs", "asset_files"):
        for urn, name in zip(urns, ("user", "team", "member"), strict=True):
            yield _owned(table, urn, name)
    months = [f"2026-{month:02}" for month in range(1, 13)]
    texts = (*months, "0000-01", "9999-12")
    yield _spelled("usage.period spelled", "INV-US1", texts, is_month, _usage("period"))
    for category in ("sfx", "transition"):
        name = f"asset_{category}_az_09"
        texts = (name, f"asset_{category}_{LOWER}{DIGITS}", f"asset_{category}__")

        def is_id(text: str, head: str = f"asset_{category}_") -> bool:
            rest = text.removeprefix(head)
            return text.startswith(head) and rest != "" and set(rest) <= {*LOWER, *DIGITS, "_"}

        def asset(world: World, text: str, category: str = category) -> tuple[str, Row]:
            return "system_assets", world.a_system_asset(category, id=text)

        yield _spelled(f"system_assets.id {category} spelled", "INV-SA2", texts, is_id, asset)


def _urls() -> ColumnCase:
    world = World()
    team, owner = world.team()

    def insert(url: str) -> tuple[Insert]:
        return (Insert("webhooks", (world.a_webhook(team, owner, url=url),)),)

    accepted = tuple(write for url in HTTPS_URLS for write in insert(url))
    first, *more = map(insert, NO_HTTPS_URLS)
    return ColumnCase(
        "webhooks.url spelled",
        (tuple(world.given), accepted),
        first,
        (CHECK, ""),
        tables=("webhooks",),
        more=tuple(more),
        token=RULES["INV-W4"].token,
    )


def acting() -> Iterator[ColumnCase]:
    """A user whose role is too small for a write is refused by the name of that rule."""
    world = World()
    team, _ = world.team()
    member, viewer = world.member(team), world.member(team, "viewer")
    urn = team_urn(str(team["id"]))
    tried: tuple[tuple[str, str, Row], ...] = (
        ("ROLE-1", "invitations", world.an_invitation(team, member)),
        ("ROLE-1", "webhooks", world.a_webhook(team, member)),
        ("ROLE-2", "projects", world.a_project(team, viewer)),
        ("ROLE-2", "jobs", world.a_job(viewer, urn)),
        ("ROLE-2", "asset_files", world.an_asset(viewer, urn)),
        ("ROLE-2", "api_keys", world.a_key(viewer, urn)),
    )
    for rule, table, row in tried:
        yield ColumnCase(
            f"{table} by too small a role",
            (tuple(world.given),),
            (Insert(table, (row,)),),
            (CHECK, ""),
            tables=(table,),
            token=RULES[rule].token,
        )


def _owned(table: str, urn: str, name: str) -> ColumnCase:
    """An owner that is one character away from a URN is refused with a new row."""
    world = World()
    user = world.creator(id=SECOND)
    world.owned_team(user, id=FIRST)
    bad = [text for text in neighbours(urn) if not is_urn(text)]
    first, *more = ((Insert(table, (owned(world, table, user, text),)),) for text in bad)
    return ColumnCase(
        f"{table}.owner of a {name} spelled",
        (tuple(world.given),),
        first,
        (CHECK, ""),
        tables=(table,),
        more=tuple(more),
        token=RULES["URN-1"].token,
    )


def is_urn(text: str) -> bool:
    """Return whether a text is an owner URN."""
    head, _, rest = text.partition(":")
    whose, _, last = rest.partition(":")
    return head == "framecast" and (whose in ("user", "team") or _is_id(whose)) and _is_id(last)


def is_month(text: str) -> bool:
    """Return whether a text is YYYY-MM."""
    year, dash, month = text[:4], text[4:5], text[5:]
    digits = set(year + month) <= set(DIGITS) and (len(year), len(month), dash) == (4, 2, "-")
    return digits and int(month) in range(1, 13)


def neighbours(text: str) -> Iterator[str]:
    """Return the texts that are one character away: left out, changed, or put in."""
    for at, character in enumerate(text):
        yield text[:at] + text[at + 1 :]
        yield text[:at] + ("g" if character != "g" else "h") + text[at + 1 :]
        if character in "-_:":
            yield text[:at] + "." + text[at + 1 :]
        elif character.isalpha():
            yield text[:at] + character.upper() + text[at + 1 :]
    for at in (0, 1, len(text) // 2, len(text) - 1, len(text)):
        for character in "0 \n-":
            yield text[:at] + character + text[at:]


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _usage(column: str) -> Callable[[World, str], tuple[str, Row]]:
    def row(world: World, text: str) -> tuple[str, Row]:
        owner = user_urn(world.id())
        return "usage", {**world.a_usage(owner), column: text}

    return row


def _spelled(
    name: str,
    rule: str,
    texts: Iterable[str],
    legal: Callable[[str], bool],
    make: Callable[[World, str], tuple[str, Row]],
) -> ColumnCase:
    """Return what inserts the texts and their neighbours: the legal ones first, all at once."""
    world = World()
    good = dict.fromkeys(texts)
    every = dict.fromkeys(
        each for text in list(good)[-1:] + list(good)[:1] for each in neighbours(text)
    )
    good.update(dict.fromkeys(text for text in every if legal(text)))
    bad = [text for text in every if not legal(text)]

    def insert(text: str) -> tuple[Insert]:
        table, row = make(world, text)
        return (Insert(table, (row,)),)

    accepted = tuple(write for text in good for write in insert(text))
    first, *more = map(insert, bad)
    return ColumnCase(
        name,
        (accepted,),
        first,
        (CHECK, ""),
        tables=(first[0].table,),
        more=tuple(more),
        token=RULES[rule].token,
    )
