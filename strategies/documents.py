"""Strategies of JSON documents."""

import json
from functools import cache
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.engine.sql.documents import Json, Jsonb
from strategies.text import CHARACTERS

# As text, and read anew for every draw, so that no two examples share a list that one may change.
_SAMPLES: Final = (
    *("{}", "[]", "null", "true", "0", '""', '{"a": 1}', "[1, 2.5, -3e10]", '["a", null, false]'),
    *('{"": {"": []}}', '{"scenes": [{"id": 1, "text": "\\u65e5\\u672c \\ud83c\\udfac"}]}'),
    *('{"9007199254740993": 9007199254740993}', "1e308", '"\\u0001\\t\\"\\\\\'"'),
    *("[" * 20 + "]" * 20, '{"a":' * 20 + "1" + "}" * 20),
)
_OBJECTS: Final = tuple(text for text in _SAMPLES if text.startswith("{"))


@cache
def _scalars() -> SearchStrategy[Json]:
    return st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), _words())


@cache
def _words() -> SearchStrategy[str]:
    return st.text(CHARACTERS, max_size=6)


@cache
def _members() -> SearchStrategy[dict[str, Json]]:
    scalars = _scalars()
    values = st.one_of(scalars, st.lists(scalars, max_size=2))
    return st.dictionaries(_words(), values, max_size=2)


@cache
def jsonb() -> SearchStrategy[Jsonb]:
    """Documents of every kind: objects, arrays, scalars, null, nested up to 20 deep, Unicode.

    None holds NUL, a surrogate, NaN or an infinity: jsonb stores none of them.
    """
    samples = st.sampled_from(_SAMPLES).map(json.loads)
    drawn = st.one_of(_scalars(), st.lists(_scalars(), max_size=2), _members())
    return st.one_of(samples, drawn).map(Jsonb)


@cache
def json_objects() -> SearchStrategy[Jsonb]:
    """Documents that are objects: what columns with a default of `{}` are meant to hold."""
    return st.one_of(st.sampled_from(_OBJECTS).map(json.loads), _members()).map(Jsonb)


@cache
def scopes() -> SearchStrategy[Jsonb]:
    """Scopes of an API key: a non-empty array of names, or of `*`, which is all of them."""
    samples = (["*"], ["jobs:read"], ["jobs:read", "jobs:write"], ["assets:*", "projects:read"])
    return st.sampled_from(samples).map(lambda names: Jsonb([*names]))
