"""Names of things, and the slugs that are made from them."""

from functools import cache
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.picking import picked
from strategies.tables import limit
from strategies.text import Form, blank_texts, overlong_texts, stretched, texts, visible_texts

SLUG_LIMIT: Final = limit("teams", "slug")
_TEAM_NAME: Final = limit("teams", "name")


def team_names() -> SearchStrategy[str]:
    """Names of 1 to 100 characters, never blank, some of them hard to make a slug from."""
    return st.one_of(visible_texts(_TEAM_NAME), unsluggable_names())


@cache
def broken_team_names() -> SearchStrategy[str]:
    """Names that are blank, or have 101 characters."""
    return st.one_of(blank_texts(_TEAM_NAME), overlong_texts(_TEAM_NAME))


@cache
def unsluggable_names() -> SearchStrategy[str]:
    """Legal team names that a slug must be cut, mended or invented for.

    Among them: 100 characters, a hyphen where the slug must be cut, no ASCII letter, punctuation
    only, something to strip at either end, letters whose lower case is longer.
    """
    return st.sampled_from(
        (
            *(
                "!",
                "-",
                "--",
                "_",
                "...",
                " a ",
                "-a-",
                "a  b",
                "a--b",
                "A",
                "\u00e9",
                "\u65e5\u672c",
            ),
            *(
                "\U0001f3ac",
                "\u0130\u0131",
                "\u1e9e",
                "\u0661\u0662",
                "\uff21",
                "a\u0301",
                "\ufb03",
            ),
            *("a\nb", "a/b\\c", "'; drop", "%s {} $1", "\u05d0 \u05d1", "0", "null"),
            *("a" * 50, "a" * 51, "a" * 100, "a" * 49 + " b", "a" * 48 + " b c"),
            *("!" * 100, "-" * 100, "\u65e5" * 100, "\U0001f3ac" * 100, "a " * 49 + "a."),
            *(" " * 99 + "a", "a" + " " * 98 + "b", "-" * 60 + "a", "A-" * 50),
        )
    )


def project_names() -> SearchStrategy[str]:
    """Names of 1 to 200 characters, never blank."""
    return visible_texts(limit("projects", "name"))


@cache
def broken_project_names() -> SearchStrategy[str]:
    """The empty name, and names of 201 characters."""
    return st.one_of(st.just(""), overlong_texts(limit("projects", "name")))


def key_names() -> SearchStrategy[str]:
    """Names of API keys: 0 to 100 characters."""
    return texts(limit("api_keys", "name"))


_STEMS: Final = ("a", "0", "ab", "a-b", "a--b", "1-2-3", "team", "z9", "null")


def _slug(stem: str, length: int | None, serial: int | None) -> str:
    # Two hyphens keep a numbered slug apart from one that the database makes from a name.
    tail = "" if serial is None else f"--{serial}"
    if length is not None:
        stem = stretched(stem, length - len(tail))
    return (stem[:-1] + "z" if stem.endswith("-") else stem) + tail


@cache
def slug_forms() -> SearchStrategy[Form]:
    """Slugs that lack their serial."""

    def form(stem: str, length: int | None) -> Form:
        return lambda serial: _slug(stem, length, serial)

    return picked(form, _STEMS, (None, None, SLUG_LIMIT, SLUG_LIMIT - 1))


def slugs(serial: int | None = None) -> SearchStrategy[str]:
    """Slugs of 1 to 50 lower-case letters, digits and hyphens, with a letter or digit at each end.

    Args:
        serial: makes the slug differ from those of other serials, and from any made from a name.
    """
    return slug_forms().map(lambda form: form(serial))


@cache
def broken_slugs() -> SearchStrategy[str]:
    """Texts one step away from a slug: a letter of another kind, a hyphen at an end, 51 long."""
    return st.sampled_from(
        (
            *("", "-", "A", "aB", "-a", "a-", "--", "a--", "_", "a_b", "a b", " a", "a ", "a.b"),
            *("a\n", "\na", "a\nb", "a\t", "\u00e9", "a\u00e9", "\u00df", "\u0131", "\uff41"),
            *("\u0661", "a\u0661", "\u65e5", "a\u2010b", "a\u0301", "a\u200b"),
            *("a" * (SLUG_LIMIT + 1), "a" * (SLUG_LIMIT - 1) + "-b"),
        )
    )
