"""Texts that have to be spelled in a certain way, and all that is one character away from them.

What is drawn meets few of the places where a pattern could be wrong; a letter left out, put in or
changed at every place meets them all. Whether the result is legal is worked out here without a
pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from conformance.cases.scenario import ColumnCase
from conformance.framecast.rules import RULES
from conformance.sql.writes import Insert, Row
from strategies.column_cases import CHECK
from strategies.owners import member_urn, team_urn, user_urn
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HTTPS_URLS = (
    *("https://h", "HTTPS://H", "https://@h", "https://:@h", "https://a:b@h", "https://[::1]"),
    *(
        "https://h:",
        "https://h:09",
        "https://h?",
        "https://h#",
        "https://h/",
        "https://_h",
        "https://h_",
    ),
    *("https://[::]:", "https://[1::]", "https://[1:2:3:4:5:6:7:8]", "https://[::7:6:5:4:3:2:1]"),
    *(
        "https://[1:2:3:4:5:6:7::]",
        "https://[1::3:4:5:6:7:8]",
        "https://[0:90ab:cdef:ABCD:EF09::f]",
    ),
    *(
        "https://[1111:2222:3333:4444:5555:6666:7777:8888]",
        "https://h:0000000443",
        "https://h:9999",
    ),
    *(
        "https://h:10000",
        "https://h:59999",
        "https://h:60000",
        "https://h:64999",
        "https://h:65000",
    ),
    *(
        "https://h:65499",
        "https://h:65500",
        "https://h:65529",
        "https://h:65530",
        "https://h:65535",
    ),
    *(
        "https://az09AZ.~%!$&'()*+,;=:_-@h",
        "https://09.az-AZ_h",
        "https://h/\\",
        'https://h/"<>^`{|}',
    ),
    *("https://h/\u00a1", "https://\u00a1", "https://h/\u3000"),
    *("https://[ab:cd:ef:AB:01:23:45:67]", "https://[01:23:45:67:ab:cd:ef:AB]", "https://[ab::cd]"),
    *(
        "https://[12:ab:cd::ef:34:ab]",
        "https://[::ab:12]",
        "https://[ab:12::]",
        "https://[12:34::56:78]",
    ),
    *("https://h.", "https://h-", "https://h/a@b[c]:d", "https://h?a/b", "https://\u00e9"),
)
PORTS = ("59999", "64999", "65499", "65529", "65535", "9999")
NO_HTTPS_URLS = (
    *("", "h", "http://h", "ahttps://h", "https:/h", "https//h", "https:h", "https://"),
    *("xttps://h", "hxtps://h", "htxps://h", "httxs://h", "httpx://h", "https.//h", "https:./h"),
    *(
        "https:/.h",
        "https://[F0.9]",
        "https://[:]",
        "https://[1]",
        "https://[1:2]",
        "https://[:::]",
    ),
    *("https://[1:2:3:4:5:6:7]", "https://[1:2:3:4:5:6:7:8:9]", "https://[1:2:3:4:5:6:7:8::]"),
    *(
        "https://[::1:2:3:4:5:6:7:8]",
        "https://[1:2:3::4:5:6:7:8]",
        "https://[1::2::3]",
        "https://[1:::2]",
    ),
    *("https://[12345::]", "https://[::12345]", "https://[1:12345::]", "https://[::1:12345]"),
    *("https://[12345:2:3:4:5:6:7:8]", "https://[1:2:3:4:5:6:7:80000]", "https://[1.2.3.4]"),
    *("https://[:1::]", "https://[::1:]", "https://[1:2:3:4:5:6:7:]", "https://[:2:3:4:5:6:7:8]"),
    *("https://[g::]", "https://[::g]", "https://[1:g::]", "https://[::1:g]", "https://x[::1]"),
    *("https://[1:2:3:4:5:6:7:g]", "https://[1:g:3:4:5:6:7:8]", "https://[::1]]", "https://[[::1]"),
    *(f"https://{c}h" for c in "!\"$%&'()*+,-.;<=>[\\]^`{|}~"),
    *(f"https://h{c}h" for c in "!\"$%&'()*+,;<=>[\\]^`{|}~"),
    *(f"https://{c}@h" for c in '"<>[\\]^`{|}\u00e9'),
    *(
        "https://h:65536",
        "https://h:65540",
        "https://h:65600",
        "https://h:66000",
        "https://h:70000",
    ),
    *("https://h:99999", "https://h:100000", "https://h:0065536", "https://h:99999999/"),
    *(f"https://h:{port[:at]}a{port[at + 1 :]}" for port in PORTS for at in range(len(port))),
    *("https://[a:b:c:d:e:f:a:b::]", "https://[::a:b:c:d:e:f:a:b]", "https://[a:b:c:d::e:f:a:b]"),
    *("https://[1:a:1:a:1:a:1:a::]", "https://[a:1:a:1:a:1:a:1::]", "https://[1-2-3-4-5-6-7-8]"),
    *("https://[1-2::3]", "https://[::1-2]", "https://[1-:2]", "https://[1:-2]", "https://(::1]"),
    *("https://[::1)", "http\u017f://h", "https://[1:2:3:4:5:6:7:8::9]"),
    *(f"https://h/{chr(code)}" for code in (1, 8, 27, 31, 127, 128, 133, 159, 160)),
    *(f"https://h{chr(code)}" for code in (1, 31, 127, 128, 160)),
    *("https:///@h", "https://?@h", "https://#@h", "https://a@@h", "https://a b@h", "https:// @h"),
    *("https://[]", "https://[g]", "https://[::1", "https://::1]", "https://[ ]", "https://[::1]a"),
    *("https://.h", "https://-h", "https://:1", "https://]h", "https://[h", "https:// h"),
    *(
        "https://h[",
        "https://h]",
        "https://h[x",
        "https://h]x",
        "https://h x",
        "https://h@",
        "https://@",
    ),
    *("https://h:a", "https://h:1a", "https://h::1", "https://h/ ", "https://h/a b", "https://h\n"),
    *("\nhttps://h", "https://h/\n", "https://h?a b", "https://?h", "https://#h", "https:///h"),
)
"""URLs with a host, and texts that are none, each in another way."""

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
