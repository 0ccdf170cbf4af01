"""Emails and the names of people."""

from functools import cache
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.picking import picked
from strategies.tables import limit
from strategies.text import Form, texts

EMAIL_LIMIT: Final = limit("users", "email")

_LOCALS: Final = ("a", "Ada", "grace.hopper", "o'brien", "x_y", "tag+ged", "n-1", "0", "LOUD")
_DOMAINS: Final = (
    *("b.co", "EXAMPLE.com", "Mail.Example.org", "d-1.io", "xn--bcher-kva.example"),
    *("a.b.c.museum", "1.travel"),
)
_LABEL: Final = 64  # a domain label has at most 63 characters, and a dot after it


def _labels(length: int) -> str:
    """Return domain labels, each with its dot, of `length` >= 2 characters in all."""
    count = -(-length // _LABEL)
    return "".join(
        "d" * (length * (i + 1) // count - length * i // count - 1) + "." for i in range(count)
    )


def _email(local: str, domain: str, length: int | None) -> str:
    email = f"{local}@{domain}"
    return email if length is None else f"{local}@{_labels(length - len(email))}{domain}"


@cache
def email_forms(mark: str = "") -> SearchStrategy[Form]:
    """Emails that lack their serial; those of different marks never meet, in any case."""

    def form(local: str, domain: str, length: int | None) -> Form:
        return lambda serial: _email(
            local if serial is None else f"{local}+{mark}{serial}", domain, length
        )

    return picked(form, _LOCALS, _DOMAINS, (None, None, EMAIL_LIMIT, EMAIL_LIMIT - 1))


def emails(serial: int | None = None, *, mark: str = "") -> SearchStrategy[str]:
    """ASCII emails `local@domain.tld` in mixed case, of up to 255 characters.

    Args:
        serial: makes the email differ, also without regard to case, from those of other serials.
        mark: lower-case letters that set one counter's emails apart from another's.
    """
    return email_forms(mark).map(lambda form: form(serial))


@cache
def broken_emails() -> SearchStrategy[str]:
    """Texts one step away from `local@domain.tld`: a part missing or twice, a space, too long."""
    return st.sampled_from(
        (
            *("", "@", "a", "a@", "@b.co", "a@b", "a@.co", "a@b.", "b.co"),
            *("a@@b.co", "a@b@c.co", "a @b.co", "a@ b.co", "a@b. co", " a@b.co", "a@b.co "),
            *("a@b.co\n", "\na@b.co", "a\t@b.co", "a@b.co\nc@d.co"),
            _email("a", "b.co", EMAIL_LIMIT + 1),
        )
    )


def recased_emails(email: str) -> SearchStrategy[str]:
    """The same email in other letter cases, for rules that must not regard them."""
    cases = (email, email.lower(), email.upper(), email.swapcase())
    return st.sampled_from(tuple(dict.fromkeys(cases)))


def person_names() -> SearchStrategy[str]:
    """Names of users: 0 to 100 characters."""
    return texts(limit("users", "name"))
