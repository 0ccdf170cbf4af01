"""Predicates of what is legal, which share nothing with the strategies."""

import ipaddress
import re
from urllib.parse import urlsplit

UUID_TEXT = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
URN_FORMS = {
    "user": f"framecast:user:{UUID_TEXT}",
    "team": f"framecast:team:{UUID_TEXT}",
    "member": f"framecast:{UUID_TEXT}:{UUID_TEXT}",
}
MONTHS = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"}
MEDIA = {"image": {"jpeg", "png", "webp"}, "audio": {"mpeg", "wav", "ogg"}, "video": {"mp4"}}
EVENTS = {
    f"job.{name}" for name in ["queued", "started", "progress", "completed", "failed", "canceled"]
}


def is_storable(text: str) -> bool:
    """PostgreSQL stores it: no NUL, and UTF-8 can say it."""
    return "\0" not in text and text.encode("utf-8", "replace") == text.encode("utf-8", "ignore")


def is_email(text: str) -> bool:
    """One @, something before it, a dot inside what follows, no space, at most 255 characters."""
    local, at, domain = text.partition("@")
    return bool(
        at
        and local
        and re.fullmatch(r"[!-?A-~]+", local + domain)
        and all(domain.split("."))
        and "." in domain
        and len(text) <= 255
    )


def is_slug(text: str) -> bool:
    """Lower-case ASCII letters, digits, hyphens inside; 1 to 50 of them."""
    legal = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 1 <= len(text) <= 50 and set(text) <= legal and "-" not in {text[0], text[-1]}


def is_urn(text: str) -> bool:
    """One of the three forms, to the last character."""
    return any(re.fullmatch(form, text) for form in URN_FORMS.values())


def is_period(text: str) -> bool:
    """Four ASCII digits, a hyphen, a month of two."""
    year, hyphen, month = text[:4], text[4:5], text[5:]
    digits = len(year) == 4 and year.isascii() and year.isdigit()
    return digits and hyphen == "-" and month in MONTHS


def is_url(text: str) -> bool:
    """An https URL with a host, as the standard library splits it, at most 2048 characters."""
    if re.search(r"[^!-~]", text) or len(text) > 2048 or "://" not in text:
        return False
    try:
        parts = urlsplit(text)
        if "[" in parts.netloc:
            ipaddress.IPv6Address(parts.hostname or "")
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_content_type(text: str) -> bool:
    """One of the seven, in lower case, without parameters."""
    kind, _, name = text.partition("/")
    return name in MEDIA.get(kind, set())


def are_events(labels: list[str | None]) -> bool:
    """At least one, each of the six."""
    return bool(labels) and all(label in EVENTS for label in labels)


def is_team_name(text: str) -> bool:
    """1 to 100 characters, something to see among them."""
    return is_storable(text) and 1 <= len(text) <= 100 and bool(text.strip())


def is_project_name(text: str) -> bool:
    """1 to 200 characters."""
    return is_storable(text) and 1 <= len(text) <= 200


def is_filename(text: str) -> bool:
    """1 to 255 characters."""
    return is_storable(text) and 1 <= len(text) <= 255


def is_sfx_id(text: str) -> bool:
    """`asset_sfx_` and a name, at most 100 characters."""
    name = text.removeprefix("asset_sfx_")
    legal = set("abcdefghijklmnopqrstuvwxyz0123456789_")
    return name not in {"", text} and set(name) <= legal and len(text) <= 100


def is_bounded(pair: tuple[int, int]) -> bool:
    """The part is at most the bound; neither is negative, both are integers of 32 bits."""
    bound, part = pair
    return 0 <= part <= bound < 2**31


def is_asset_size(size: int) -> bool:
    """More than nothing, at most 50 MiB."""
    return 0 < size <= 52_428_800
