"""Texts that are nearly others: all kinds, none the same, and none that a column refuses."""

import re

from strategies.near_misses.invitation_guests import GUEST, MATCHED, NEAR
from strategies.neighbours import WILD, matched, neighbours


def test_neighbours_are_others() -> None:
    """No neighbour is the text itself, nor does it match itself as a pattern."""
    near = neighbours(WILD)

    assert WILD not in near
    assert len(near) == len(set(near))
    assert not re.fullmatch(WILD, WILD)
    assert {WILD.upper(), f"{WILD} ", WILD[:-1], WILD.replace("_", "x")} <= set(near)


def test_nearby_emails_are_of_others() -> None:
    """Emails that are nearly the guest's are emails, and another's without regard to case too."""
    assert NEAR
    assert GUEST.lower() not in {email.lower() for email in NEAR}
    assert all(re.fullmatch(r"[!-?A-~]+@[!-?A-~]+[.][!-?A-~]+", email) for email in NEAR)


def test_what_a_pattern_takes_for_a_text_differs_from_it() -> None:
    """A text that LIKE or a regular expression takes for another differs, and is an email still."""
    like, regex = matched(WILD)

    assert re.fullmatch("a.b.*cd[.]e[+]1", like)
    assert re.fullmatch(WILD, regex)
    assert WILD not in (like, regex)
    assert GUEST.lower() not in map(str.lower, MATCHED)
