"""Rights that differ, in words."""

from conformance.engine.privileges.differing import differing


def test_few_rights_are_named_in_a_line() -> None:
    """What is wrong with a right or two is all in one line, too many first as it was asked."""
    said = differing({"too many": ["DELETE users"], "too few": ["EXECUTE f(a.b)", "SELECT jobs"]})
    assert "too many: DELETE users; too few: EXECUTE f(a.b), SELECT jobs" == said
    assert "too few: SELECT jobs" == differing({"too many": [], "too few": ["SELECT jobs"]})


def test_many_rights_are_a_list_by_objects() -> None:
    """Of a role that lost everything no line is endless, and no right is left out."""
    rights = [
        "EXECUTE f(a.b)",
        "SELECT jobs",
        *(f"{word} jobs.column_{at}" for word in ("INSERT", "UPDATE") for at in range(60)),
    ]
    first, *lines = differing({"too many": ["DELETE a"], "too few": rights}).splitlines()

    assert "too many: DELETE a; too few: 122 rights" == first
    assert ["  too few:", "    EXECUTE f(a.b)", "    INSERT jobs (column_0, column_1,"] == [
        *lines[:2],
        lines[2][: len("    INSERT jobs (column_0, column_1,")],
    ]
    assert [] == [line for line in lines if len(line) > 88]
    assert 120 == "".join(lines).count("column_")
