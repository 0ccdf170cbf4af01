"""Files: their names, keys in S3, content types, and the ids of those that the system brings."""

from decimal import Decimal
from functools import cache
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.enums import SYSTEM_ASSET_CATEGORY
from strategies.picking import picked
from strategies.tables import limit
from strategies.text import Form, overlong_texts, stretched, visible_texts

CONTENT_TYPES: Final = (
    *("image/jpeg", "image/png", "image/webp"),
    *("audio/mpeg", "audio/wav", "audio/ogg"),
    "video/mp4",
)
"""Content types that an asset file may have."""

FILENAME_LIMIT: Final = limit("asset_files", "filename")
S3_KEY_LIMIT: Final = limit("asset_files", "s3_key")
SYSTEM_ID_LIMIT: Final = limit("system_assets", "id")


@cache
def content_types() -> SearchStrategy[str]:
    """The seven content types that an asset file may have."""
    return st.sampled_from(CONTENT_TYPES)


@cache
def broken_content_types() -> SearchStrategy[str]:
    """Content types that none of the seven is: other case, parameters, space, near names."""
    steps = [
        step
        for legal in CONTENT_TYPES
        for step in (legal.upper(), legal.capitalize(), f"{legal}; q=1", f"{legal} ", f" {legal}")
    ]
    # What people call the seven, or would add to them: one by one, as a list of them may be longer.
    likely = (
        *("image/jpg", "image/gif", "image/svg+xml", "image/avif", "image/heic", "audio/mp3"),
        *("audio/x-wav", "audio/wave", "audio/mp4", "audio/opus", "video/webm", "video/quicktime"),
    )
    near = (
        *("", "/", "image", "image/", "image/*", "*/*", "jpeg", "image/jpeg\n", "image/jpe"),
        *("image/jpegs", "image/mp4", "audio/webp", "video/mpeg", "video/mpeg4", "video/ogg"),
        *("application/octet-stream", "image/jpeg,image/png", "image/jpeg\nimage/png"),
    )
    return st.one_of(st.sampled_from(likely), st.sampled_from((*near, *steps)))


@cache
def filenames() -> SearchStrategy[str]:
    """Names of files, 1 to 255 characters, never blank."""
    common = ("a.png", "scene 1.mp4", "\u65e5\u672c.webp", "../../x", "a/b", ".hidden", "no-type")
    return st.one_of(st.sampled_from(common), visible_texts(FILENAME_LIMIT))


@cache
def broken_filenames() -> SearchStrategy[str]:
    """The empty name, and names of 256 characters."""
    return st.one_of(st.just(""), overlong_texts(FILENAME_LIMIT))


@cache
def s3_key_forms() -> SearchStrategy[Form]:
    """Keys in S3 that lack their serial; 1 to 500 characters."""

    def form(word: str, length: int | None) -> Form:
        def key(serial: int | None) -> str:
            head = "" if serial is None else f"assets/{serial}/"
            return head + (word if length is None else stretched(word, length - len(head)))

        return key

    words = ("a", "scene 1.mp4", "\u65e5\u672c.webp", "x/y//z", "A+b=c&d")
    return picked(form, words, (None, None, S3_KEY_LIMIT, S3_KEY_LIMIT - 1))


def s3_keys(serial: int | None = None) -> SearchStrategy[str]:
    """Keys of objects in S3; unique by serial."""
    return s3_key_forms().map(lambda form: form(serial))


@cache
def system_id_forms(category: str) -> SearchStrategy[Form]:
    """Ids of a category's system assets that lack their serial."""

    def form(word: str, length: int | None) -> Form:
        def key(serial: int | None) -> str:
            head = f"asset_{category}_"
            tail = "" if serial is None else f"_{serial}"
            room = None if length is None else length - len(head) - len(tail)
            return head + (word if room is None else stretched(word, room)) + tail

        return key

    words = ("a", "0", "rain", "rain_2", "a__b", "_a", "a_", "_", "music")
    return picked(form, words, (None, None, SYSTEM_ID_LIMIT, SYSTEM_ID_LIMIT - 1))


def system_asset_ids(category: str, serial: int | None = None) -> SearchStrategy[str]:
    """Ids `asset_<category>_<name>` of 1 to 100 characters; unique by serial."""
    return system_id_forms(category).map(lambda form: form(serial))


@cache
def broken_system_asset_ids(category: str) -> SearchStrategy[str]:
    """Texts one step away from an id of this category, ids of the other categories among them."""
    head = f"asset_{category}_"
    others = (f"asset_{other}_a" for other in SYSTEM_ASSET_CATEGORY if other != category)
    names = (
        *("", "A", "rAin", "rain-2", "rain 2", "rain.2", "\u00e9", "\u0661", "\u0131", "\uff41"),
        *("rain ", "rain\n", "\nrain", "rain\t", "rain/2"),
    )
    return st.sampled_from(
        (
            *(head + name for name in names),
            *others,
            *(
                "",
                "a",
                head[:-1],
                f"asset_{category}a",
                f"asset{category}_a",
                f"asset__{category}_a",
            ),
            *(
                f"{category}_a",
                f"assets_{category}_a",
                f"Asset_{category}_a",
                f"asset-{category}-a",
            ),
            *(f"asset_{category.upper()}_a", f"asset__{category}", f" {head}a", f"x{head}a"),
            *(
                f"\n{head}a",
                f"asset_a_{category}",
                stretched(head + "a" * 100, SYSTEM_ID_LIMIT + 1),
            ),
        )
    )


@cache
def durations() -> SearchStrategy[Decimal]:
    """Seconds with at most three decimals, from 0 to 9,999,999.999."""
    edges = ("0", "1", "0.001", "12.5", "60.000", "9999999.999")
    return st.sampled_from(edges).map(Decimal)


@cache
def tags() -> SearchStrategy[list[str | None]]:
    """Tags of a system asset: up to three short words, Unicode among them, none of them null."""
    words = ("rain", "calm", "Loud", "\u65e5\u672c", "two words", '"', "\\", "{}", ",", "null")
    return st.lists(st.sampled_from(words), max_size=3, unique=True).map(list[str | None])
