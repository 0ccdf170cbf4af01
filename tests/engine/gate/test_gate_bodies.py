"""Bodies of guards that pending files change, as the gate shows them."""

from conformance.engine.gate import bodies

LONG = [
    "RETURN NEW;",
    *(f"-- {each}" for each in "abcdefgh"),
    "IF OLD.tier = 3 THEN RETURN NEW; END IF;",
]


def test_a_long_difference_is_shown_to_its_end() -> None:
    """A line that lifts a rule is shown, however many harmless ones come before it."""
    old, new = ({("function", "f()"): "\n".join(lines)} for lines in (["RETURN NEW;"], LONG))

    [note] = bodies.look(old, new)

    assert note.startswith("changes function f(): ")
    assert note.endswith("it has 'IF OLD.tier = 3 THEN RETURN NEW; END IF;'")
    assert len(LONG) - 1 == note.count("it has")
