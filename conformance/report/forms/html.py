"""HTML: one page that needs no server and asks nobody for anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.report.forms.summary import WORDS, facts, outcome, sentence

if TYPE_CHECKING:
    from conformance.report.document import Document


def render(document: Document) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("conformance.report.forms", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    objects: dict[str, list[str]] = {}
    for rule in document["rules"]:
        for name in rule.get("enforced_by", ()):
            objects.setdefault(name, []).append(rule["id"])
    return environment.get_template("page.html.j2").render(
        document=document,
        outcome=outcome(document),
        facts=list(facts(document)),
        words=WORDS,
        rules=[{"sentence": sentence(rule), **rule} for rule in document["rules"]],
        objects=sorted(objects.items()),
    )
