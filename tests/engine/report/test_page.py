"""The page: state machines as graphs, what serves what, races and failures."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import pytest

from conformance.engine.cases.verdicts import SEVERAL, Verdict
from conformance.engine.changed import inventory
from conformance.engine.domain.chosen import domain
from conformance.engine.kinds.transitions import Transitions
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.report import forms
from conformance.engine.report.forms import graphs
from conformance.engine.report.forms.extras import Extras
from conformance.engine.sql.writes import Path as WritePath
from conformance.framecast.rules import RULES
from tests.support.reports import RACE, failing_race, failure, whole

MACHINES = [name for name, rule in RULES.items() if isinstance(rule.kind, Transitions)]
# All that PostgreSQL itself lists in both schemas.
LISTED = """
SELECT k.conname FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
WHERE nspname IN ('public', 'framecast') AND contype NOT IN ('n', 't')
UNION ALL
SELECT t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE nspname IN ('public', 'framecast') AND NOT tgisinternal
UNION ALL
SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE nspname IN ('public', 'framecast')
UNION ALL
SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE nspname IN ('public', 'framecast') AND indisunique
AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
UNION ALL
SELECT t.typname FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE nspname IN ('public', 'framecast') AND typtype = 'e'
"""
CHOICES = re.compile(r'<select data-of="(\w+)"(.*?)</select>', re.DOTALL)
SEARCHED = re.compile(r'<details class="rule" id="([^"]+)".*?data-text="([^"]*)"', re.DOTALL)


class Links(HTMLParser):
    """Reads which ids a page has, and which links stand within which."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.within: dict[str, set[str]] = {}
        self._at = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = dict(attrs)
        if given.get("id") and tag in {"details", "tr", "li", "h2"}:
            self._at = given["id"] or ""
            self.within[self._at] = set()
        if tag == "a" and self._at:
            self.within[self._at].add((given.get("href") or "").removeprefix("#"))


@pytest.fixture(scope="module")
def installed(scratch: Scratch, template: Template) -> Iterator[Database]:
    """A database with the schema."""
    with scratch.cloned(template, "page") as database:
        yield database


@pytest.fixture(scope="module")
def objects(installed: Database) -> list[inventory.Object]:
    """The objects of the schema."""
    with installed.connect() as connection:
        return [*inventory.read(connection)]


def test_no_object_is_left_out(installed: Database, objects: list[inventory.Object]) -> None:
    """The report lists all that PostgreSQL lists."""
    with installed.connect() as connection:
        listed = sorted(str(name) for (name,) in connection.execute(LISTED))

    found = [re.sub(r"\(.*", "", each.name).rpartition(".")[2] for each in objects]
    assert listed == sorted(found)
    assert all(each.sql for each in objects)


def test_every_rule_and_every_object_is_traced(objects: list[inventory.Object]) -> None:
    """A rule links the objects that serve it, an object its rules; the others serve none."""
    document = whole(objects)
    page = Links(forms.render(document, "html"))
    anchors = {
        each: "object-" + re.sub(r"[^\w.]+", "-", f"{each.on}.{each.name}").strip(".-")
        for each in objects
    }
    assert {
        "object-teams.inv_t6__teams_credits_not_negative",
        "object-framecast.lock_teams-uuid",
    } <= {*anchors.values()}

    for rule in RULES:
        serving = {anchors[each] for each in objects if rule in each.rules}
        assert serving, rule
        assert serving == {link for link in page.within[rule] if link.startswith("object-")}
    for each in objects:
        assert set(each.rules) == page.within[anchors[each]]
    idle = {anchors[each] for each in objects if not each.rules}
    order = list(page.within)
    assert idle == set(order[order.index("idle") + 1 :][: len(idle)])


def test_every_rule_has_its_cases_its_races_and_its_mutants() -> None:
    """Each way to write has a count or a reason, and each race and mutant stands by its rules."""
    mutant = {"id": "x/dropped/1", "operator": "check dropped", "change": "drop it"}
    kills = tuple({**mutant, "rules": [rule], "status": "killed"} for rule in RULES)
    text = forms.render(whole(), "html", Extras((), kills))
    named = set()

    for rule in RULES:
        part = part_of(text, rule)
        assert [] == [each for each in WritePath if f"<tr><td>{each}</td><td" not in part], rule
        races = {race for race, known in domain().races().items() if rule in known.rules}
        said = {race: domain().races()[race].description for race in races}
        plain = re.sub("</?span[^>]*>", "", html.unescape(part))
        assert [] == [race for race in races if f"{said[race]} <code>{race}</code>" not in plain]
        assert "1 killed." in part
        named |= races
    others = (known.rules for race, known in domain().races().items() if race not in named)
    assert [("idempotency key",)] == [*others]  # a key that serves no rule


def part_of(text: str, rule: str) -> str:
    """Return what a page says of a rule."""
    part = text.partition(f'<details class="rule" id="{rule}"')[2]
    return part.partition('<details class="rule"')[0].partition("<h2")[0]


def test_what_enforces_a_rule_stands_beside_it(objects: list[inventory.Object]) -> None:
    """Each object with the SQL that makes it, and the function that a trigger calls."""
    text = forms.render(whole(objects), "html")
    made = {each.name.partition("(")[0]: each.sql for each in objects}

    for rule in RULES.values():
        part = re.sub("</?span[^>]*>", "", html.unescape(part_of(text, rule.id)))
        found = re.findall(r"<li class=\"made\">.*?<pre>(.*?)</pre>", part, re.DOTALL)
        assert len(rule.enforced_by) <= len(found), rule.id
        for sql in found:
            called = re.search(r"EXECUTE FUNCTION ([^(]+)", sql)
            assert sql.startswith(("ALTER ", "CREATE ")), rule.id
            assert called is None or 1 == part.count(made[called[1]])


def test_bodies_of_functions_are_not_printed(objects: list[inventory.Object]) -> None:
    """Paper has the trigger's own SQL, and the file what it calls: within what is left out."""
    text = forms.render(whole(objects), "html")
    body = "CREATE OR REPLACE FUNCTION framecast.tg__reject()"
    parts = [part for rule in RULES if body in (part := part_of(text, rule))]

    assert re.search(r"@media print.* \.called[ ,].*display: none !important", text, re.DOTALL)
    assert 5 < len(parts)
    for part in parts:
        assert part.count(body) == part.count(f'<span class="called">;\n{body}')
    assert text.count("-- which is above") == text.count('called">;\n-- which is above') > 0


def test_a_race_is_drawn_with_its_sentence() -> None:
    """Below each of its rules, a column a session and a line a step; paper says it once."""
    document = whole()
    known = domain().races()[RACE]
    document["rules"][-1]["races"] = [RACE]
    first, *others = (each["id"] for each in document["rules"] if RACE in each["races"])
    text = forms.render(document, "html")

    assert "INV-T2" in {first, *others}
    for rule in (first, *others):
        sentence = f'<span class="sentence">{known.description}</span> <code>{RACE}'
        before, _, after = part_of(text, rule).partition(sentence)
        drawn = after.partition("</details>")[0]
        assert ["1", "leave a team", "", "2", "", "leave a team … waits for ann"] == re.findall(
            r"<td[^>]*>(.*?)</td>", drawn
        )[:6]
        assert "ann: accepted<br>bob: rejected by inv_t2__memberships" in drawn
        above = "" if rule == first else ' class="above"'
        assert before.endswith(f'<li{above}><details class="script"><summary>')


def test_a_failing_race_is_drawn_as_a_known_one() -> None:
    """In columns that wrap, a rule's as another; its script begins after them."""
    document = whole()
    (broken,) = (rule for rule in document["rules"] if rule["id"] == "INV-T6")
    broken["failures"] = [failing_race("INV-T6")]
    document["beside"] = [failing_race("LOCK ORDER")]
    text = forms.render(document, "html")
    no_rules = text.partition("Failures that are no rule")[2]

    for part in (part_of(text, "INV-T6"), no_rules):
        shown = part.partition("several sessions show it, in this order")[2]
        before, _, drawn = shown.partition("</pre>")
        assert "-- begin from what is below:" in before
        assert "<td>leave a team … waits for ann</td>" in drawn.partition("<pre>")[0]
        assert drawn.partition("<pre>")[2].startswith("BEGIN;</pre>")
        assert "-- ann: accepted" not in before + drawn.partition("</details>")[0]


def test_a_report_of_before_has_races_by_name() -> None:
    """One that says nothing of a race but its name is a page, too."""
    document = whole()
    del document["races"]

    assert f"<li><code>{RACE}</code>\n" in part_of(forms.render(document, "html"), "INV-T2")


@pytest.mark.parametrize("rule_id", MACHINES)
def test_a_machine_is_drawn_whole(rule_id: str) -> None:
    """Each state has a box of its own, each legal move an arrow with its count, all inside."""
    document = whole()
    (machine,) = [each["machine"] for each in document["rules"] if each["id"] == rule_id]
    picture = graphs.graph(machine)

    assert set(machine["states"]) | {"new"} == set(picture.boxes)
    legal = {
        (each["before"] or "new", each["after"]): each["seen"]
        for each in machine["moves"]
        if each["legal"]
    }
    assert legal == {(each.before, each.after): each.seen for each in picture.arrows}
    for (x, y), (other_x, other_y) in combinations(picture.boxes.values(), 2):
        assert abs(x - other_x) >= graphs.BOX[0] or abs(y - other_y) >= graphs.BOX[1]
    for x, y in (*picture.boxes.values(), *((each.x, each.y) for each in picture.arrows)):
        assert 0 < x < picture.width
        assert 0 < y < picture.height
    counts = [(each.x, each.y) for each in picture.arrows]
    assert all(abs(a - c) + abs(b - d) > 10 for (a, b), (c, d) in combinations(counts, 2))
    text = forms.render(document, "html")
    assert text.count('<path class="arrow') == sum(
        move["legal"]
        for each in document["rules"]
        for move in each.get("machine", {}).get("moves", ())
    )


def test_a_cause_stands_once_with_all_its_ways(tmp_path: Path) -> None:
    """Failures that say the same are one, shown by a short script; each way has its command."""
    document = whole()
    (broken,) = (rule for rule in document["rules"] if rule["id"] == "INV-T6")
    first = {**failure("INV-T6", Verdict.BROKEN), "path": "insert", "script": "SELECT 1;\n" * 9}
    ways = [
        first,
        {**first, "path": "update", "script": "SELECT 2;\n\n"},
        {**first, "path": "cte", "script": "SELECT 3;\n"},
        {**first, "path": "race", "observed": "a row", "test": "t.py::test_known_race[inv_t6__x]"},
    ]
    ways[-1]["script"] = f"{SEVERAL}\n-- ann leaves\n"
    broken.update(failures=ways, verdict="broken")
    document.update(role="framecast_app", profile="quick", seed=7)
    document["options"] = ["--postgres=17", "--domain=my ledger"]
    forms.write(document, tmp_path / "page.html", "html")

    text = (tmp_path / "page.html").read_text().partition('id="INV-T6"')[2].partition("Tried")[0]
    assert ["update, insert, cte", "a race of sessions"] == re.findall(
        r"</span> along (.*)</h3>", text
    )
    assert "update: on a fresh installation, psql shows it with</summary>" in text
    assert "a race of sessions: several sessions show it, in this order</summary>" in text
    assert "<pre>SELECT 2;</pre>" in text.partition("2 more ways to see it")[0]
    assert "<pre>SELECT 1;" not in text.partition("2 more ways to see it")[0]
    assert (
        "framecast-conformance test -k &#39;test_known_race[inv_t6__x]&#39; --postgres=17 "
        "&#39;--domain=my ledger&#39; --role framecast_app "
        "--hypothesis-profile quick --hypothesis-seed=7</code>"
    ) in re.sub("</?span>", "", text)


def test_statements_not_reached_are_listed(tmp_path: Path) -> None:
    """A run that counted statements says how many it reached, and which not."""
    document = whole()
    document["coverage"] = {
        "statements": 9,
        "reached": 8,
        "missing": ["f(), line 7: x"],
        "without": {},
    }
    forms.write(document, tmp_path / "page.html", "html")

    text = (tmp_path / "page.html").read_text()
    assert "<dt>PL/pgSQL reached</dt><dd>8 of 9 statements</dd>" in text
    assert "<li><code>f(), line 7: x</code></li>" in text


def test_levels_and_the_role_are_evidence(tmp_path: Path) -> None:
    """A rule shows what became of its races at each level, and what was tried as the role."""
    forms.write(whole(), tmp_path / "page.html", "html")

    text = (tmp_path / "page.html").read_text().partition('id="INV-T2"')[2]
    text = text.partition('</details>\n<details class="rule"')[0]
    assert "once more: 1 accepted, 3 refused,\n3 of these" in text
    rows = [re.findall(r">([\w ]+)</t[dh]>", row) for row in re.findall(r"<tr>.*</tr>", text)]
    assert ["level", "committed", "rejected", "40001", "40P01"] in rows
    assert ["read committed", "7", "5", "0", "0"] in rows
    assert ["serializable", "3", "2", "4", "1"] in rows
    assert "40001: could not be serialized, and is to be tried again; 40P01: was chosen" in text
    assert "55P03: got" not in text


def test_rules_are_found_by_verdict_race_table_and_area() -> None:
    """Words of a rule's verdict and races are searched, and a list has each table and each area."""
    document = whole()
    text = forms.render(document, "html")
    words = dict(SEARCHED.findall(text))

    assert words.keys() == RULES.keys()
    for rule in document["rules"]:
        assert rule["verdict"] in words[rule["id"]].split()
        assert all(race in words[rule["id"]] for race in rule["races"])
        assert not rule["races"] or "race" in words[rule["id"]].split()
    chosen = {of: re.findall(r"<option>(.*?)<", part) for of, part in CHOICES.findall(text)}
    tables = {table for rule in RULES.values() for table in rule.tables}
    assert {"tables": sorted(tables), "areas": [*domain().areas]} == chosen
    assert all(rule["area"] in chosen["areas"] for rule in document["rules"])


def test_no_link_leads_nowhere(objects: list[inventory.Object]) -> None:
    """A page of one rule names the others that an object serves, without a link."""
    document = whole(objects)
    document["rules"] = [rule for rule in document["rules"] if rule["id"] == "INV-T2"]
    text = forms.render(document, "html", Extras((whole(),)))
    ids = {*re.findall(r' id="([^"]+)"', text)}

    assert {*re.findall(r'href="#([^"]+)"', text)} <= ids
    assert re.search(r'<a href="#INV-T2">INV-T2</a>\s+CARD-1\b', text)


def test_a_page_of_one_table_has_nothing_to_choose() -> None:
    """A choice of one is none; an older report has no areas."""
    document = whole()
    document["rules"] = [rule for rule in document["rules"] if rule["id"] == "INV-T6"]
    del document["rules"][0]["area"]

    assert "<select" not in forms.render(document, "html")
