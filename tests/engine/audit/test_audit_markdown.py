"""Results of an audit or the gate as Markdown."""

from conformance.engine.audit import report
from conformance.engine.audit.findings import Fault, Section


def test_sections_and_findings_are_shown() -> None:
    """A table of the sections, then the findings, then the notes; nothing of it is markup."""
    fault = Fault("INV-T6", "broken by <1> row: a_b | *c*", "mend\nit", ("k",), 1)
    sections = [
        Section(7, "data", "99 rules", asked=True, faults=[fault]),
        Section(8, "enforcement", asked=True, notes=["all of [it]"]),
    ]

    assert report.as_markdown(sections, "gate: closed: 1 finding") == (
        "**gate: closed: 1 finding**\n\n"
        "| | section | outcome | |\n|---|---|---|---|\n"
        "| 7 | data | 1 finding | 99 rules |\n| 8 | enforcement | ok |  |\n\n"
        "- **INV-T6**: broken by &lt;1> row: a\\_b \\| \\*c\\* (k) → mend it\n\n"
        "<details><summary>notes</summary>\n\n- all of \\[it\\]\n\n</details>\n"
    )
