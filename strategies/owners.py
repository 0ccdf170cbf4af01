"""Owner URNs in their three forms, and the smallest steps out of them."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.identifiers import identifiers

Id: TypeAlias = UUID | str
"""An id, as a UUID or in any text form that `uuid.UUID` reads."""

Urn: TypeAlias = Callable[[UUID, UUID], str]


def _text(value: Id) -> str:
    return str(value if isinstance(value, UUID) else UUID(value))


def user_urn(user: Id) -> str:
    """Return `framecast:user:<user id>`: one user, who also pays."""
    return f"framecast:user:{_text(user)}"


def team_urn(team: Id) -> str:
    """Return `framecast:team:<team id>`: the whole team, which also pays."""
    return f"framecast:team:{_text(team)}"


def member_urn(team: Id, user: Id) -> str:
    """Return `framecast:<team id>:<user id>`: a member inside a team, which pays."""
    return f"framecast:{_text(team)}:{_text(user)}"


def _upper(value: UUID) -> str:
    """Return the id with a capital letter, whether or not it holds letters to begin with."""
    text = str(value)
    return "F" + text[1:] if text == text.upper() else text.upper()


def _hyphen_moved(value: UUID) -> str:
    """Return the text of an id, with one hyphen a place further on."""
    text = str(value)
    return f"{text[:8]}{text[9]}-{text[10:]}"


_FORMS: Final[tuple[Urn, ...]] = (
    lambda _team, user: user_urn(user),
    lambda team, _user: team_urn(team),
    member_urn,
)

# By kind: a pattern that lets one kind pass may refuse all others.
_BROKEN: Final[Mapping[str, tuple[Urn, ...]]] = {
    "something else": (
        lambda _team, _user: "",
        lambda _team, user: str(user),
    ),
    "another letter case": (
        lambda _team, user: f"framecast:user:{_upper(user)}",
        lambda team, _user: f"framecast:team:{_upper(team)}",
        lambda team, user: f"framecast:{_upper(team)}:{user}",
        lambda team, user: f"framecast:{team}:{_upper(user)}",
        lambda _team, user: f"Framecast:user:{user}",
        lambda _team, user: f"framecast:User:{user}",
        lambda team, _user: f"framecast:TEAM:{team}",
    ),
    "a part too few": (
        lambda _team, user: f"framecast:{user}",
        lambda _team, user: f"user:{user}",
        lambda _team, user: f":user:{user}",
        lambda _team, _user: "framecast:user:",
        lambda _team, _user: "framecast:user",
        lambda team, _user: f"framecast:{team}:",
        lambda _team, user: f"framecast::{user}",
        lambda _team, user: f"framecast:user{user}",
    ),
    "a part too many": (
        lambda _team, user: f"framecast:user::{user}",
        lambda _team, user: f"framecast:user: {user}",
    ),
    "another word": (
        lambda _team, user: f"framecast:users:{user}",
        lambda team, _user: f"framecast:teams:{team}",
        lambda _team, user: f"framecast:member:{user}",
        lambda _team, user: f"framecasts:user:{user}",
        lambda _team, user: f"framecast/user/{user}",
    ),
    "another form of the id": (
        lambda _team, user: f"framecast:user:{user.hex}",
        lambda team, _user: f"framecast:team:{team.hex}",
        lambda team, user: f"framecast:{team.hex}:{user}",
        lambda team, user: f"framecast:{team}:{user.hex}",
        lambda _team, user: f"framecast:user:{{{user}}}",
        lambda team, _user: f"framecast:team:{{{team}}}",
        lambda team, user: f"framecast:{{{team}}}:{user}",
        lambda _team, user: f"framecast:user:{str(user)[:-1]}",
        lambda _team, user: f"framecast:user:{str(user)[:-1]}g",
        lambda _team, _user: "framecast:user:1",
        lambda _team, _user: "framecast:user:me",
    ),
    "hyphens elsewhere": (
        lambda _team, user: f"framecast:user:{_hyphen_moved(user)}",
        lambda team, _user: f"framecast:team:{_hyphen_moved(team)}",
        lambda team, user: f"framecast:{_hyphen_moved(team)}:{user}",
        lambda team, user: f"framecast:{team}:{_hyphen_moved(user)}",
        lambda _team, user: f"framecast:user:{str(user).replace('-', '0')}",
    ),
    "something before it": (
        lambda _team, user: f":framecast:user:{user}",
        lambda _team, user: f"urn:framecast:user:{user}",
        lambda _team, user: f" framecast:user:{user}",
        lambda _team, user: f"\nframecast:user:{user}",
    ),
    "something after it": (
        lambda _team, user: f"framecast:user:{user}:",
        lambda team, user: f"framecast:team:{team}:{user}",
        lambda team, user: f"framecast:team:{team}:user:{user}",
        lambda team, user: f"framecast:{team}:{user}:{user}",
        lambda _team, user: f"framecast:user:{user}0",
        lambda _team, user: f"framecast:user:{user} ",
        lambda team, _user: f"framecast:team:{team} ",
        lambda team, user: f"framecast:{team}:{user} ",
        lambda _team, user: f"framecast:user:{user}\n",
        lambda team, _user: f"framecast:team:{team}\n",
        lambda team, user: f"framecast:{team}:{user}\n",
    ),
}


def _ids(given: Id | None) -> SearchStrategy[UUID]:
    return identifiers() if given is None else st.just(UUID(_text(given)))


def urns(*, team: Id | None = None, user: Id | None = None) -> SearchStrategy[str]:
    """Owner URNs in all three forms, of the given team and user, or of any where none is given."""
    return st.builds(lambda form, *ids: form(*ids), st.sampled_from(_FORMS), _ids(team), _ids(user))


def broken_urns(*, team: Id | None = None, user: Id | None = None) -> SearchStrategy[str]:
    """Texts one step away from an owner URN of the given team and user, or of any."""
    forms = [form for kind in _BROKEN.values() for form in kind]
    return st.builds(lambda form, *ids: form(*ids), st.sampled_from(forms), _ids(team), _ids(user))


def broken_urns_of_each_kind(*, team: Id, user: Id) -> SearchStrategy[tuple[str, ...]]:
    """Texts one step away from an owner URN of the given team and user, one of each kind."""
    ids = UUID(_text(team)), UUID(_text(user))
    return st.tuples(*map(st.sampled_from, _BROKEN.values())).map(
        lambda forms: tuple(form(*ids) for form in forms)
    )
