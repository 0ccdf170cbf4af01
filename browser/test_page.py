"""The page of a report in a browser: `tox -e browser`, on machines that have a Chromium.

Chromium is a package of the system (`chromium`, or what CHROMIUM names), which none of Python
brings: without one the run fails with one line.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.changed import inventory
from conformance.engine.report import forms
from conformance.engine.report.forms.extras import Extras
from tests.support.reports import RACE, TIMELINES, failing_race, failure, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.engine.postgres.scratch import Scratch, Template

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
NONE: Final = "there is no browser, so the page was not looked at"
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1200, "height": 900}
MUTANTS: Final[list[dict[str, Any]]] = [
    {
        "id": f"{rule}/check-dropped/{status}",
        "operator": "check dropped",
        "change": "drop it",
        "rules": [rule],
        "status": status,
        "killed_by": {"stage": "rules"} if status == "killed" else None,
    }
    for rule in ("INV-T6", "INV-T2")
    for status in ("killed", "survived", "not decided", "open", "equivalent")
]
# The tables of evidence and the SQL that one has to push aside to read.
CUT: Final = """
() => [...document.querySelectorAll(".wide:has(.paths, .kills, .turns), pre")]
  .filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)
"""
# Of each text that is shown: how its colour stands out from what is behind it (WCAG 2.2).
CONTRAST: Final = """
() => {
  const parse = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(each => each.nodeType === 3 && each.data.trim());
    if (!own || !element.checkVisibility() || element.closest("script, svg")) continue;
    const ink = light(parse(getComputedStyle(element).color)), paper = light(behind(element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) found.push([element.tagName, element.className, ratio]);
  }
  return found;
}
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a Chromium."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.exit(f"{NONE}: install one of {', '.join(PROGRAMS)}, or name it by CHROMIUM", 1)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def file(scratch: Scratch, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a report of all rules, with an earlier one, mutants and objects."""
    with scratch.cloned(template, "page") as database, database.connect() as connection:
        document = whole(inventory.read(connection))
    for race in document["races"].values():
        race["timeline"] = TIMELINES[RACE]
    (broken,) = (each for each in document["rules"] if each["id"] == "INV-T6")
    broken.update(failures=[failing_race("INV-T6")], verdict="broken")
    document["beside"] = [failure("RIGHT", Verdict.BROKEN)]
    before = {**document, "begun": "2026-11-20T12:00:00+00:00"}
    before["rules"] = [{**each, "verdict": "unproven"} for each in document["rules"][:5]]
    target = tmp_path_factory.mktemp("page") / "page.html"
    forms.write(document, target, "html", Extras((before,), tuple(MUTANTS)))
    return target


@pytest.fixture(params=["desktop", "phone", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    """Open the page; whatever it complains of, or asks for, fails the test."""
    opened = browser.new_page(
        viewport=PHONE if request.param == "phone" else DESKTOP,
        color_scheme="dark" if request.param == "dark" else "light",
    )
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda sent: asked.append(sent.url))
    opened.goto(file.as_uri())
    yield opened
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        opened.screenshot(path=f"{folder}/{request.node.name}.png")
    opened.close()
    assert [] == said
    assert [] == [url for url in asked if not url.startswith(("about:", "file:", "data:"))]


def follow(page: Page, file: Path, anchor: str) -> None:
    """Follow a link to the page from elsewhere."""
    page.goto("about:blank")
    page.goto(f"{file.as_uri()}#{anchor}")


def shown(page: Page) -> list[str]:
    """Return the ids of the rules that are shown."""
    ids: list[str] = page.locator(".rule").evaluate_all(
        "all => all.filter(each => each.checkVisibility()).map(each => each.id)"
    )
    return ids


def test_rules_are_filtered(page: Page) -> None:
    """Buttons choose a verdict, and words narrow that down; what is left out can be seen again."""
    every = len(shown(page))
    page.get_by_role("button", name="broken").click()
    broken = shown(page)
    assert 0 < len(broken) < every
    page.get_by_role("button", name="all").click()
    page.get_by_label("Search rules").fill("inv-t2 owner")
    assert ["INV-T2"] == shown(page)
    page.get_by_label("Search rules").fill("broken")
    assert {*broken} <= {*shown(page)}
    page.get_by_label("Search rules").fill("inv_t2__both_owners_erased")
    assert "INV-T2" in shown(page)
    page.get_by_label("Search rules").fill("")
    page.get_by_label("Only of one table").select_option("usage")
    assert "INV-US1" in shown(page)
    assert "INV-T2" not in shown(page)
    page.get_by_label("Only of one area").select_option("keys")
    assert [] == shown(page)
    page.get_by_label("Only of one table").select_option("")
    assert "INV-A1" in shown(page)
    page.get_by_label("Search rules").fill("no rule says this")
    assert page.get_by_role("status").is_visible()
    assert [] == shown(page)


@pytest.mark.parametrize("typed", ["INV-T2", "STATE-JOB", "inv-t2", "inv_t2__"])
def test_a_link_opens_its_rule(page: Page, file: Path, typed: str) -> None:
    """The address of a rule, in any case, opens it, puts it in view, and gives it the focus."""
    anchor = typed.strip("_").replace("_", "-").upper()
    follow(page, file, typed)

    expect(page.locator(f"#{anchor}")).to_have_attribute("open", "")
    summary = page.locator(f"#{anchor} > summary")
    expect(summary).to_be_focused()
    top = summary.evaluate("each => each.getBoundingClientRect().top")
    assert page.viewport_size is not None
    assert 0 <= top < page.viewport_size["height"]


def test_an_open_rule_is_in_the_address(page: Page, file: Path) -> None:
    """A rule that is opened puts its link into the address."""
    page.goto(file.as_uri())
    page.locator("#INV-T2 > summary").click()

    assert page.locator("#INV-T2").evaluate("each => each.open")
    assert page.url.endswith("#INV-T2")


def test_an_object_and_its_rules_are_a_link_apart(page: Page, file: Path) -> None:
    """From a rule to an object that serves it, whose SQL is shown, and back."""
    page.goto(f"{file.as_uri()}#INV-T6")
    page.locator("#INV-T6 a", has_text="inv_t6__teams_credits_not_negative").click()

    place = page.locator(f'[id="{page.url.partition("#")[2]}"]')
    assert page.url.endswith("#object-teams.inv_t6__teams_credits_not_negative")
    assert place.locator("pre", has_text="CHECK ((credits >= ").is_visible()
    place.locator("a", has_text="INV-T6").click()
    assert page.url.endswith("#INV-T6")


def test_objects_are_searched(page: Page, file: Path) -> None:
    """Tables, functions and constraints are found, and counted where the rules above hide them."""
    search, found = page.get_by_label("Search rules"), page.locator("#found")
    rows = page.locator(".objects tbody tr:visible, .idle li:visible")
    expect(found).to_be_hidden()
    for words in ("lock_teams(uuid[])", "inv_t6__teams_credits_not_negative", "trigger on teams"):
        search.fill(words)
        said = [(each.text_content() or "").lower() for each in rows.all()]
        assert said
        assert [] == [each for each in said if not all(word in each for word in words.split())]
        expect(found).to_contain_text(f"{len(said)} object{'s' if len(said) > 1 else ''}")
    found.get_by_role("link", name="object").click()
    expect(rows.first).to_be_in_viewport()
    search.fill("no such thing")
    assert [] == rows.all()
    expect(page.locator(".idle")).to_have_count(page.locator(".idle:not(:visible)").count())
    expect(found).to_contain_text("no rules, no objects")
    follow(page, file, "object-framecast.lock_teams-uuid")
    expect(page.locator('[id="object-framecast.lock_teams-uuid"] pre')).to_be_visible()


def test_what_enforces_a_rule_and_its_races_are_a_click_away(page: Page, file: Path) -> None:
    """Below a rule stand the SQL of its objects and its races, shut on screen, and not cut off."""
    follow(page, file, "INV-T2")
    rule = page.locator("#INV-T2")
    sql = rule.locator("pre", has_text="CREATE CONSTRAINT TRIGGER").first
    race = rule.locator(".above", has_text=re.compile(rf"{RACE}\b")).first
    drawn = race.locator("table")

    assert not sql.is_visible()
    assert not drawn.is_visible()
    rule.locator("summary", has_text="inv_t2__teams_has_an_owner").click()
    race.locator("summary").click()
    assert sql.is_visible()
    assert "waits for ann" in drawn.inner_text()
    assert drawn.evaluate("each => each.scrollWidth <= each.parentElement.clientWidth")


def test_findings_beside_the_rules_are_found(page: Page) -> None:
    """They are linked at the top, searched, and shown with the rules of their verdict."""
    found = page.locator("#beside-1")
    page.get_by_role("link", name="RIGHT").click()
    expect(found).to_be_in_viewport()
    page.get_by_label("Search rules").fill("right broken")
    expect(found).to_be_visible()
    expect(page.locator("#found")).to_contain_text("1 rule, no objects")
    page.get_by_role("button", name="held").click()
    expect(found).to_be_hidden()


def test_keys_are_enough(page: Page) -> None:
    """Everything that is done with a mouse is done with Tab and Enter, where the focus is seen."""
    page.get_by_label("Search rules").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    pressed = page.locator("button[aria-pressed=true]")
    assert "broken" in pressed.inner_text()
    first = page.locator(".rule:visible > summary").first
    first.focus()
    before = first.evaluate("each => each.parentElement.open")
    page.keyboard.press("Enter")
    assert before is not first.evaluate("each => each.parentElement.open")
    style: Any = first.evaluate("each => getComputedStyle(each).outlineStyle")
    assert "none" != style


def test_everything_is_readable(page: Page) -> None:
    """Opened as a whole, nothing is wider than the window, and every text stands out."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")

    width = page.evaluate("document.documentElement.scrollWidth")
    assert page.viewport_size is not None
    assert page.viewport_size["width"] >= width
    assert [] == page.evaluate(CUT)
    assert [] == page.evaluate(CONTRAST)


def test_machines_are_seen(page: Page, file: Path) -> None:
    """The picture of a machine has its states and counts where they can be read."""
    follow(page, file, "STATE-JOB")
    picture = page.locator("#STATE-JOB svg")

    words = [each.text_content() for each in picture.locator("text").all()]
    assert {"new", "queued", "processing", "completed", "failed", "canceled"} <= set(words)
    height = picture.locator("text").first.evaluate("each => each.getBoundingClientRect().height")
    assert height >= 9


def test_paper_shows_all_rules(browser: Browser, file: Path) -> None:
    """On paper every rule is opened, four on a sheet, a race that failed is drawn, and no other."""
    page = browser.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert 0 == page.locator(".rule:not([open])").count()
    assert not page.get_by_label("Search rules").is_visible()
    for rule in page.locator(".rule:has(.made pre)").all():
        assert rule.locator(".made pre").first.is_visible()
    assert ["INV-T6"] == [
        each.evaluate("each => each.closest('.rule').id")
        for each in page.locator(".turns:visible").all()
    ]
    assert not page.locator(".called:visible").count()
    assert (
        page.locator(".objects tbody tr:visible").count()
        == page.locator(".objects tbody tr").count()
    )
    pages = re.findall(rb"/Type /Page\b", page.pdf(format="A4"))
    assert 4 * len(pages) < page.locator(".rule").count()
    page.close()
