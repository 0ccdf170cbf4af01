"""Credentials of clients and requests: hashes, prefixes, tokens, secrets, idempotency keys."""

from functools import cache
from hashlib import sha256, sha512
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.picking import picked
from strategies.tables import limit
from strategies.text import Form, stretched

PREFIX_LIMIT: Final = limit("api_keys", "key_prefix")
IDEMPOTENCY_LIMIT: Final = limit("jobs", "idempotency_key")


def _sealed(word: str) -> bytes:
    return f"framecast {word}".encode()


@cache
def hash_forms() -> SearchStrategy[Form]:
    """Hashes that lack their serial."""
    forms: tuple[Form, ...] = (
        lambda serial: str(serial or 0),
        lambda serial: sha256(_sealed(f"key {serial}")).hexdigest(),
        lambda serial: sha512(_sealed(f"key {serial}")).hexdigest(),
        lambda serial: f"$argon2id$v=19$m=65536,t=3,p=4${serial}",
    )
    return st.sampled_from(forms)


def hashes(serial: int | None = None) -> SearchStrategy[str]:
    """Hashes of keys, in hex or modular form, down to a single character; unique by serial."""
    return hash_forms().map(lambda form: form(serial))


@cache
def broken_hashes() -> SearchStrategy[str]:
    """The one hash that is refused: the empty one."""
    return st.just("")


@cache
def key_prefixes() -> SearchStrategy[str]:
    """Prefixes that a key shows of itself: 1 to 20 characters."""
    full = stretched("fc_live_0a1b", PREFIX_LIMIT)
    return st.sampled_from(("fc_", "fc_live_0a1b", "k", full, full[:-1]))


@cache
def token_forms() -> SearchStrategy[Form]:
    """Tokens that lack their serial."""
    forms: tuple[Form, ...] = (
        lambda serial: f"inv-{serial}",
        lambda serial: sha256(_sealed(f"invitation {serial}")).hexdigest(),
        lambda serial: f"{serial}." + "x" * 200,
    )
    return st.sampled_from(forms)


def tokens(serial: int | None = None) -> SearchStrategy[str]:
    """Tokens of invitations, 5 to about 210 characters; unique by serial."""
    return token_forms().map(lambda form: form(serial))


@cache
def signing_secrets() -> SearchStrategy[str]:
    """Secrets that sign a webhook's deliveries: non-empty ASCII."""
    return st.sampled_from(("whsec_0", "s", "whsec_" + "0a1b" * 16))


@cache
def idempotency_forms() -> SearchStrategy[Form]:
    """Idempotency keys that lack their serial; 1 to 255 characters."""

    def form(word: str, length: int | None) -> Form:
        def key(serial: int | None) -> str:
            head = "" if serial is None else f"{serial}/"
            return head + (word if length is None else stretched(word, length - len(head)))

        return key

    words = ("k", "render once", "\u65e5\u672c", "\U0001f3ac", "6F/9619-FF8B#?%")
    return picked(form, words, (None, IDEMPOTENCY_LIMIT, IDEMPOTENCY_LIMIT - 1))


def idempotency_keys(serial: int | None = None) -> SearchStrategy[str]:
    """Keys by which a client says that it asks twice for one job; unique by serial."""
    return idempotency_forms().map(lambda form: form(serial))
