"""Webhooks: the URLs that they call, and the events that they ask for."""

from functools import cache
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.engine.sql.no_label import NoLabel
from strategies.enums import WEBHOOK_EVENT_TYPE
from strategies.picking import picked
from strategies.tables import limit
from strategies.text import stretched

Events: TypeAlias = list[str | None]

URL_LIMIT: Final = limit("webhooks", "url")

_SCHEMES: Final = ("https", "HTTPS", "Https")
_USERS: Final = ("", "", "user@", "user:p%40ss@")
_HOSTS: Final = (
    *("a.io", "hooks.example.com", "EXAMPLE.com", "a-b.c-d.org", "localhost", "a"),
    *("xn--bcher-kva.example", "127.0.0.1", "[::1]", "[2001:db8::ff00:42]"),
)
_PORTS: Final = ("", "", ":443", ":1", ":65535")
_PATHS: Final = ("", "/", "/hooks/7", "/a%20b;c=d", "/@:/")
_ENDS: Final = ("", "?a=1&b=%C3%A9", "?", "#top", "?a=/?#x")


_LENGTHS: Final = (None, None, None, URL_LIMIT, URL_LIMIT - 1)


def _url(scheme: str, *parts: str, length: int | None) -> str:
    *texts, end = parts
    head = f"{scheme}://{''.join(texts)}"
    room = 0 if length is None else length - len(head) - len(end)
    return head + stretched("/abcdefg", room) + end


@cache
def urls() -> SearchStrategy[str]:
    """Absolute https URLs with a host, of up to 2048 ASCII characters.

    The scheme and host in any case; the host a name or an IPv4 or IPv6 literal; with and without
    user, port, path, query and fragment.
    """
    parts = (_SCHEMES, _USERS, _HOSTS, _PORTS, _PATHS, _ENDS)
    return picked(lambda length, *texts: _url(*texts, length=length), _LENGTHS, *parts)


@cache
def broken_urls() -> SearchStrategy[str]:
    """Texts that are no https URL with a host: another scheme, no host, white space, too long."""
    return st.sampled_from(
        (
            *("", "/", "a", "a.io", "//a.io", "/hooks", "?a", "a.io:443", "user@a.io"),
            *("http://a.io", "HTTP://a.io", "ftp://a.io", "ws://a.io", "httpss://a.io"),
            *("xhttps://a.io", "http://https://a.io", "mailto:a@b.co", "javascript:https://a.io"),
            *("https", "https:", "https:/", "https://", "https:///", "https:///hooks"),
            *("https:a.io", "https:/a.io", "https//a.io", "https;//a.io", "https:\\\\a.io"),
            *("https://:443", "https://:443/hooks", "https://?a=1", "https://#top", "https://@"),
            *("https://user@", "https://user@/hooks", "https://user:pass@:443/", "https://@:443"),
            *("https://[]", "https://[]/hooks", "https://[::1", "https://[::1/hooks"),
            *("https://a.io:https", "https://a.io:443x/hooks"),
            *(" https://a.io", "https://a.io ", "https:// a.io", "https://a .io", "https:// "),
            *("https://a.io/a b", "https://a.io/?a b", "https ://a.io", "https://a.io\t"),
            *("https://a.io\n", "\nhttps://a.io", "https://\na.io", "http://a.io\nhttps://a.io"),
            *("https://a.io/a\nb", "https://a.io\r", "https://\t"),
            stretched("https://a.io/" + "a" * URL_LIMIT, URL_LIMIT + 1),
        )
    )


def _subset(mask: int) -> Events:
    return [label for bit, label in enumerate(WEBHOOK_EVENT_TYPE) if mask >> bit & 1]


@cache
def events() -> SearchStrategy[Events]:
    """Non-empty subsets of the six events, in their order; the simplest is the first alone."""
    return st.integers(1, 2 ** len(WEBHOOK_EVENT_TYPE) - 1).map(_subset)


@cache
def broken_events() -> SearchStrategy[Events]:
    """Lists of events that are empty, hold null, or name an event that there is not."""
    first = WEBHOOK_EVENT_TYPE[0]
    texts = ("", "queued", "job", "job.", "job.unknown", "JOB.QUEUED", "job.queued ", "*")
    unknown = [NoLabel(text, "webhook_event_type") for text in texts]
    samples: tuple[tuple[str | None, ...], ...] = (
        (),
        (None,),
        (first, None),
        (None, first),
        (*WEBHOOK_EVENT_TYPE, None),
        *((label,) for label in unknown),
        *((first, label) for label in unknown),
    )
    return st.sampled_from(samples).map(list)


@cache
def event_names() -> SearchStrategy[str]:
    """Names of events in deliveries: 1 to 50 characters, mostly one of the six events."""
    edge = limit("webhook_deliveries", "event_type")
    return st.sampled_from((*WEBHOOK_EVENT_TYPE, "x" * edge, "\u65e5" * (edge - 1)))
