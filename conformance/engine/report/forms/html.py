"""HTML: one page that needs no server and asks nobody for anything."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.engine.report.document import schema_changes
from conformance.engine.report.enforcing import CALLED, enforcing, of_document
from conformance.engine.report.forms import extras as beside
from conformance.engine.report.forms import failures, graphs
from conformance.engine.report.forms.summary import (
    WORDS,
    facts,
    others,
    outcome,
    replayed,
    sentence,
)

if TYPE_CHECKING:
    from conformance.engine.report.document import Document

# What PostgreSQL calls the ends of transactions that no rule refused.
CODES = {
    "40001": "could not be serialized, and is to be tried again",
    "40P01": "was chosen to end a deadlock",
    "55P03": "got a lock too late",
    "57014": "took too long",
}


def render(document: Document, extras: beside.Extras = beside.NOTHING) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("conformance.engine.report.forms", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    objects = _objects(document)
    kills = beside.by_rule(extras.mutants)
    enforced, races = _enforced(document), _races(document)
    rules = [
        {
            **_rule(rule, objects, kills),
            "enforced": enforced[rule["id"]],
            "races": [races[name] for name in rule.get("races", ())],
            "causes": failures.causes(rule["failures"], document),
        }
        for rule in document["rules"]
    ]
    loose = _beside(document)
    counts = Counter(each["verdict"] for each in (*rules, *loose))
    became = {each["status"] for each in extras.mutants}
    runs = sorted((*extras.history, document), key=lambda run: str(run.get("begun", "")))
    differ, untried = beside.verdicts(runs)
    return environment.get_template("page.html.j2").render(
        document=document,
        outcome=outcome(document),
        facts=list(facts(document)),
        replayed=replayed,
        counts={word: counts[word] for word in WORDS if counts[word]},
        others=others(document),
        rules=rules,
        beside=loose,
        choices=[
            ("table", "tables", sorted({each for rule in rules for each in rule["tables"]})),
            ("area", "areas", list(dict.fromkeys(filter(None, (r["area"] for r in rules))))),
        ],
        objects=[each for each in objects if each["rules"]],
        idle=[each for each in objects if not each["rules"]],
        box=graphs.BOX,
        runs=[_run(each, document) for each in runs] if extras.history else [],
        differ=differ,
        untried=untried,
        shown={rule["id"] for rule in document["rules"]},
        statements={r["id"]: r.get("statement", "") for run in runs for r in run["rules"]},
        statuses=[each for each in beside.STATUSES if each in became],
        codes=CODES,
        operators=beside.by_operator(extras.mutants),
        elsewhere=extras.elsewhere(document),
        tried=sorted({each["tried"] for each in extras.mutants if "tried" in each}),
        given=len(extras.mutants),
        partly=sum(each["status"] == beside.UNDECIDED for each in extras.mutants),
        asked=", ".join(extras.phases),
        undecided=sum(each["status"] == beside.UNTRIED for each in extras.mutants),
    )


def _objects(document: Document) -> list[dict[str, Any]]:
    """Return the objects of the schema, each with its place on the page.

    A report of a run without a server, or of an older suite, has only the names in its rules.
    """
    if "objects" in document:
        listed = [dict(each) for each in document["objects"]]
    else:
        names: dict[str, list[str]] = {}
        for rule in document["rules"]:
            for name in rule.get("enforced_by", ()):
                names.setdefault(name, []).append(rule["id"])
        listed = [
            {"kind": "", "name": name, "on": "", "sql": "", "rules": ids}
            for name, ids in sorted(names.items())
        ]
    taken: Counter[str] = Counter()
    found = []
    for each in listed:
        name = re.sub(r"[^\w.]+", "-", f"{each['on']}.{each['name']}").strip(".-")
        taken[name] += 1
        more = f"-{taken[name]}" if taken[name] > 1 else ""
        found.append({"reason": "", **each, "anchor": f"object-{name}{more}"})
    return found


def _enforced(document: Document) -> dict[str, list[dict[str, str]]]:
    """Return what enforces each rule, with its own SQL, and that of a function that it calls."""
    defined = of_document(document)
    found: dict[str, list[dict[str, str]]] = {}
    for rule in document["rules"]:
        listed = found[rule["id"]] = []
        for name, sql in enforcing(rule.get("enforced_by", ()), defined):
            own = CALLED.split(sql, 1)[0]
            listed.append({"name": name, "sql": own, "called": sql.removeprefix(own)})
    return found


def _races(document: Document) -> dict[str, dict[str, Any]]:
    """Return known races by their names, each with the first of its rules, which draws it.

    A report of an older suite has only the names.
    """
    found: dict[str, dict[str, Any]] = {}
    for rule in document["rules"]:
        for name in rule.get("races", ()):
            known = document.get("races", {}).get(name, {"description": ""})
            race = {"timeline": None, **known, "name": name, "rule": rule["id"]}
            found.setdefault(name, race)
    return found


def _rule(
    rule: dict[str, Any], objects: list[dict[str, Any]], kills: dict[str, beside.Kills]
) -> dict[str, Any]:
    """Return a rule with all that the page says of it."""
    machine = rule.get("machine")
    ends = [end for counts in rule.get("levels", {}).values() for end in counts]
    return {
        "sentence": sentence(rule),
        "area": "",
        **rule,
        "text": _searched(rule),
        "objects": [each for each in objects if rule["id"] in each["rules"]],
        "graph": graphs.graph(machine) if machine else None,
        "kills": kills.get(rule["id"]),
        "became": list(dict.fromkeys(ends)),
    }


def _beside(document: Document) -> list[dict[str, Any]]:
    """Return the failures that are no rule's, each with its place, and words to find it by."""
    found = []
    for at, each in enumerate(document.get("beside", ()), 1):
        said = (each["rule"], each["verdict"], each["observed"], each["expected"], each["test"])
        told = {"anchor": f"beside-{at}", "text": " ".join(said).lower()}
        found.append({**failures.way(each, document), **told})
    return found


def _searched(rule: dict[str, Any]) -> str:
    """Return the words by which somebody may look for a rule, in lower case."""
    races = rule.get("races", [])
    said = (rule["id"], rule["verdict"], rule["statement"], rule.get("kind", ""), rule["holds"])
    observed = (failure["observed"] for failure in rule["failures"])
    names = (*rule["tables"], *rule["enforced_by"], rule.get("area", ""), *races, *observed)
    return " ".join((*said, *names, "race" if races or rule.get("levels") else "")).lower()


def _run(document: Document, of_page: Document) -> dict[str, Any]:
    commit = document.get("commit") or {}
    is_known = document.get("migrations") and of_page.get("migrations")
    changes = ", ".join(schema_changes(document, of_page))
    return {
        "here": document is of_page,
        "schema": (changes or "as here") if is_known else "unknown",
        "begun": str(document.get("begun", "")),
        "when": str(document.get("begun", "unknown")).replace("T", " ")[:16],
        "outcome": outcome(document),
        "server": str(document.get("server") or "no server"),
        "commit": str(commit.get("id", ""))[:10],
        "seconds": f"{document['seconds']:.0f}" if "seconds" in document else "",
    }
