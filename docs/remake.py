"""Maker of the reports that are kept, and of all that is made from them: `tox -e remake`.

The whole run takes all cores for minutes, and nothing else is to run beside it. Names of parts make
these alone, as `tox -e remake -- pictures minutes`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.engine.mutants import equivalent, kept, unseen
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.report import forms
from docs.first_minutes import HERE, REPORTS, ROOT, TRIED, WEAKER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL import Image
    from playwright.sync_api import Browser

    from conformance.engine.mutants.mutant import Mutant

DRAWN: Final = ("--hypothesis-profile", "quick", "--hypothesis-seed", "20261129")
PICTURES: Final = ROOT / "docs" / "pictures"
PAGE: Final = ROOT / "docs" / "report.md"
SENTENCE: Final = re.compile(
    r"(\(quick profile, )[\d-]+(\) on a screen.*?)\d+( sheets;)", re.DOTALL
)
# Of which report, how wide and high, in which colours, at which place, and what is opened there.
SCREENS: Final = {
    "page-top": ("main", 1000, 560, "light", "body", ""),
    "page-desktop": ("main", 1000, 700, "light", "#STATE-JOB", ""),
    "page-race": (
        "main",
        1000,
        450,
        "light",
        "#INV-J12 h3:last-of-type",
        "inv_j12__rendered_twice",
    ),
    "page-phone": ("branch", 360, 640, "dark", "#INV-T6", ""),
}
PAPER: Final = "page-print"
SOME: Final = 2  # mutants of a rule
COLOURS: Final = 64  # of a picture


def whole() -> None:
    """Run the whole suite in this checkout."""
    _run(ROOT, 0, "conformance", "--sql-coverage", report="main.json")


def branch() -> None:
    """Run what tries INV-T6 on a schema in which teams may owe credits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "db", "migrations")
        shutil.copytree(ROOT / "migrations", folder)
        (folder / "004_credits_on_loan.sql").write_text(WEAKER.lstrip())
        words = ("--pyargs", "conformance", *HERE.split(), "--rule", "INV-T6")
        _run(Path(name), 1, *words, report="branch.json")


def mutants() -> None:
    """Try mutants of this checkout's schema, such that each rule has some, with some phases."""
    tokens = [mutant.id for mutant in _some_for_each_rule()]
    command = [*(sys.executable, "-m", "conformance", "mutants"), *tokens]
    words = ("--phases", ",".join(TRIED), "--json", str(REPORTS / "mutants.json"))
    subprocess.run([*command, *words], cwd=ROOT, check=False)  # noqa: S603 - ours; what is not decided is 1


def _some_for_each_rule() -> list[Mutant]:
    """Return mutants, drawn by a digest of their ids, until each rule has some; none on record."""
    with (
        provision(Request.read({}, {})) as server,
        scratch.opened(server) as databases,
        databases.cloned(databases.template(ROOT / "migrations"), "schema") as database,
        database.connect() as connection,
    ):
        every = {mutant.id: mutant for mutant in kept.mutants(connection)}
    recorded = {*equivalent.reasons(equivalent.read(), [*every]), *unseen.read()}
    drawn: list[Mutant] = []
    known: Counter[str] = Counter()
    for name in sorted(every.keys() - recorded, key=lambda each: sha256(each.encode()).digest()):
        if any(known[rule] < SOME for rule in every[name].rules):
            drawn.append(every[name])
            known.update(every[name].rules)
    return drawn


def _run(folder: Path, code: int, *words: str, report: str) -> None:
    target = REPORTS / report
    words = (*words, *DRAWN, "--conformance-report", str(target))
    command = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(command, cwd=folder, check=False)  # noqa: S603 - ours
    if done.returncode != code:
        sys.exit(f"{report}: the run ended with {done.returncode}, not {code}")
    document = json.loads(target.read_text(encoding="utf-8"))
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    target.write_text(f"{text}\n", encoding="utf-8")


def pictures() -> None:
    """Take the pictures of the page; docs/report.md says of when it is, and of how many sheets."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only pictures need a browser

    main = json.loads((REPORTS / "main.json").read_text(encoding="utf-8"))
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in ("main", "branch"):
            document = json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))
            forms.write(document, Path(folder, f"{name}.html"))
        for name in SCREENS:
            _screen(browser, Path(folder), name)
        sheets = _paper(browser, Path(folder, "main.html"))
        browser.close()
    said = rf"\g<1>{main['begun'][:10]}\g<2>{sheets}\g<3>"
    PAGE.write_text(SENTENCE.sub(said, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _screen(browser: Browser, folder: Path, name: str) -> None:
    from PIL import Image  # noqa: PLC0415 - as above

    report, width, height, scheme, place, opened = SCREENS[name]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto((folder / f"{report}.html").as_uri())
    rule = page.locator(place.partition(" ")[0])
    rule.evaluate("each => { each.open = true; }")
    if opened:
        rule.locator("summary", has_text=opened).click()
    page.locator(place).evaluate("each => each.scrollIntoView()")
    _keep(Image.open(BytesIO(page.screenshot())), name)
    page.close()


def _paper(browser: Browser, file: Path) -> int:
    """Take the picture of the first sheet; return how many there are."""
    import pypdfium2  # noqa: PLC0415 - as above

    page = browser.new_page()
    page.goto(file.as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    sheets = pypdfium2.PdfDocument(page.pdf(format="A4"))
    page.close()
    _keep(sheets[0].render(scale=1).to_pil(), PAPER)
    count = len(sheets)
    sheets.close()
    return count


def _keep(picture: Image.Image, name: str) -> None:
    few = picture.convert("RGB").quantize(COLOURS)
    few.save(PICTURES / f"{name}.png", optimize=True)


def minutes() -> None:
    """Write the first ten minutes anew, in a process that reads the reports that there are now."""
    subprocess.run([sys.executable, "-m", "docs.first_minutes"], cwd=ROOT, check=True)


PARTS: Final[Mapping[str, Callable[[], None]]] = {
    each.__name__: each for each in (whole, branch, mutants, pictures, minutes)
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
