"""Every command on a page is run, here or by another test, or has a reason why it is not."""

import re
import subprocess
import sys
from collections.abc import Sequence
from configparser import ConfigParser
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest
import yaml
from hypothesis import settings

from conformance.commands import command_parser, main
from conformance.engine.domain.names import rule
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.report import forms
from tests.support.reports import whole
from tests.support.shells import BLOCK, ROOT, Command, commands

# Pages whose blocks one test carries out as they stand, one after the other.
WHOLE: Final = {
    "docs/operations.md": "test_operations.py",
    "docs/your-own-schema.md": "test_your_own_schema.py",
    "migrations/README.md": "test_commands.py",
    "docs/first-ten-minutes.md": "test_first_minutes.py",
}
# Run by this module, in a folder of their own.
RUN: Final = (
    "python -m conformance rules --area jobs credit",
    "*-conformance explain INV-T2 *",
    "python -m conformance explain INV-T2",
    'python -m conformance audit "$DATABASE_URL"',
    "python -m conformance compare before.json after.json",
    "python -m conformance compare --tried-by-both before.json after.json",
    "python -m conformance report run.json *",
    "python -m conformance versions report.json",
    'python -m conformance status "$DATABASE_URL"',
    "python -m conformance gate host=/nowhere*",
    "python -m conformance soak --help",
    "python -m conformance init URL_OR_DIR",
    "framecast-conformance findings",
    ".venv/bin/just --list",
)
# Proofs of a part of the suite or of another one: their tests are collected, which takes seconds.
SELECTIONS: Final = tuple(f"pytest conformance {each} *" for each in ("--rule", "--domain", "-k"))
# Not run as they stand: they are read by the parsers that would read them, and this is why.
PROOF = "minutes: CI proves the schema whole, and test_limits.py, test_changed.py … their options"
NOT_RUN: Final = {
    ".venv/bin/pytest conformance*": PROOF,
    "pytest conformance*": PROOF,
    "python3 -m venv .venv *": "installs from the network: CI begins so",
    "pip install *": "installs from the network: test_wheel.py installs what was built",
    "pytest --pyargs conformance *": "test_wheel.py runs it where the package is installed",
    "framecast-conformance test *": "test_wheel.py runs it where the package is installed",
    "python -m conformance seeds 10": "ten whole runs: test_seeds.py runs a part of two",
    "*-conformance replay *": "the finding is made up: test_findings_kept.py replays real ones",
    'python -m conformance gate "$DATABASE_URL"*': "minutes: test_gate_process.py and others",
    'python -m conformance migrate "$DATABASE_URL" *': "needs the gate's file: test_migrate*.py",
    'python -m conformance audit "$DATABASE_URL"[; ]*': "of other data: test_audit_process.py",
    'python -m conformance status "$DATABASE_URL"; *': "of one deployment: test_migrate_ways.py",
    "python -m conformance campaign *": "hours, or a cluster: test_campaign.py runs small ones",
    "*tox -e clients": "a step of CI",
    "python -m clients *": "several versions of PostgreSQL and of the schema",
    "just mutants*": "minutes to hours: test_mutants_tried.py tries some",
    "just bench *": "measures; test_benchmarks.py runs each for a moment",
    "just soak *": "a minute each: test_soak_command.py runs a short one",
    "docker *": "needs an engine and an image of Python: test_image.py reads what it is made of",
    "sed -i *": "test_hook.py runs it in a folder with the schema",
    "git commit *": "test_hook.py runs the entry that pre-commit would",
    "export DATABASE_URL=*": "sets a variable",
    "python -m conformance gate && *": "test_gate_process.py, test_migrate_process.py",
}
PROGRAM: Final = re.compile(r"(?:\.venv/bin/)?(pytest|framecast-conformance|just|tox|python)$")
EVERY: Final = [each for each in commands() if each.page not in WHOLE]
BIN: Final = Path(sys.executable).parent
BINDIR: Final = "SELECT setting FROM pg_config WHERE name = 'BINDIR'"
TOKEN: Final = re.compile(r"\b([a-z]+(?:_[a-z0-9]+)+)__")


def patterns(command: Command) -> list[str]:
    """Return what says how a command is dealt with."""
    return [each for each in (*RUN, *NOT_RUN) if fnmatchcase(command.text, each)]


def test_every_command_is_run_or_has_a_reason() -> None:
    """No command of a page is forgotten, none is spoken of twice, and no entry is left over."""
    dealt = {each.text: patterns(each) for each in EVERY}

    assert {} == {text: found for text, found in dealt.items() if len(found) != 1}
    assert {*RUN, *NOT_RUN} == {pattern for found in dealt.values() for pattern in found}


def test_tests_that_are_named_are_there() -> None:
    """A test that runs a page reads it; one that is named in a reason exists."""
    folder = ROOT / "tests"
    named = {name for why in NOT_RUN.values() for name in re.findall(r"test_[\w*]+\.py", why)}

    assert [] == [name for name in sorted(named) if not list(folder.rglob(name))]
    for page, test in WHOLE.items():
        (file,) = folder.rglob(test)
        assert f'{Path(page).name}"' in file.read_text()


def test_a_folder_elsewhere_is_named_by_all() -> None:
    """Where the first command of README's start is about another folder, so are those after it."""
    blocks = [text for _, text in BLOCK.findall((ROOT / "README.md").read_text())]
    (start,) = (text.splitlines() for text in blocks if "--pyargs" in text)
    proofs = [line for line in start if not line.startswith("pip ")]

    assert len(proofs) > 1
    assert [] == [line for line in proofs if "--migrations db/migrations" not in line]


@pytest.mark.parametrize("command", EVERY, ids=lambda each: f"{each.page}: {each.text}")
def test_a_command_means_something(command: Command, pytestconfig: pytest.Config) -> None:
    """Programs, commands, recipes, options and their values, rules and files are there."""
    for program, *words in command.simple():
        ours = PROGRAM.match(program)
        if ours is None:
            continue
        given = [_filled(word) for word in words]
        if ours[1] == "just":
            given = _of_recipe(given)
        elif ours[1] == "python":
            given = given[1:]
        elif ours[1] != "tox":
            given.insert(0, {"framecast-conformance": "conformance"}.get(ours[1], ours[1]))
        else:
            tox = ConfigParser()
            tox.read(ROOT / "tox.ini")
            assert f"testenv:{given[1]}" in tox
            continue
        _expect_meaning(given, pytestconfig)


def _filled(word: str) -> str:
    """Return what stands where a reader puts something of theirs."""
    return word.replace("$DATABASE_URL", "host=x").replace("path/to/other/schema", "migrations")


def _of_recipe(words: list[str]) -> list[str]:
    """Return the words of the command that a recipe of `just` runs."""
    if not words or words == ["--list"]:
        return []
    name, *given = words
    listed = yaml.safe_load(
        subprocess.run(
            [BIN / "just", "--dump", "--dump-format", "json"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    recipe = listed["recipes"][name]
    fixed = [each["name"] for each in recipe["parameters"] if each["kind"] == "singular"]
    if name == "bench":
        return ["benchmarks", given[0]]
    (line,) = (part for part in recipe["body"][0][0].split("; ") if "python -m" in part)
    words = line.removeprefix("@").removesuffix(' "$@"').split()[2:]
    for parameter, value in zip(fixed, given, strict=False):
        words = [value if word == f'"${parameter}"' else word for word in words]
    return [*words, *given[len(fixed) :]]


def _expect_meaning(words: Sequence[str], config: pytest.Config) -> None:
    """Expect that the parsers understand words, and that what these name is there."""
    if not words:
        return
    program, *given = (word for word in words if word != "--help")
    if program == "benchmarks":
        assert (ROOT / program / f"{given[0]}.py").is_file()
    elif program == "conformance":
        options, further = command_parser().parse_known_args(given)
        assert options.further or not further
        if further:
            _expect_meaning(["pytest", "conformance", *further], config)
        for token in TOKEN.findall(" ".join(given)):
            rule(token.replace("_", "-"))
    elif program == "pytest":
        options = config._parser.parse(given)
        assert options.hypothesis_profile in {None, *settings._profiles}
        assert options.domain is None or find_spec(options.domain)
        assert [] == [path for path in options.file_or_dir if not (ROOT / path).exists()]
        for name in (*options.rule, *(t.replace("_", "-") for t in TOKEN.findall(options.keyword))):
            rule(name)
    else:
        assert find_spec(program)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the reports that pages speak of, and call commands there."""
    document = whole()
    for name in ("run", "before", "after", "monday", "tuesday", "report"):
        forms.write(document, tmp_path / f"{name}.json")
    (tmp_path / "kills.json").write_text('{"mutants": []}')
    (tmp_path / "db").mkdir()
    for folder in ("migrations", "db/migrations"):
        (tmp_path / folder).symlink_to(ROOT / "migrations")
    (tmp_path / "justfile").symlink_to(ROOT / "justfile")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [each for each in EVERY if set(patterns(each)) & set(RUN)],
    ids=lambda each: f"{each.page}: {each.text}",
)
@pytest.mark.usefixtures("folder")
def test_a_command_does_what_it_says(
    command: Command,
    template: Template,
    scratch: Scratch,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A command that is quick is run as it stands; a transcript has every line that it prints."""
    with scratch.cloned(template, "page") as database:
        monkeypatch.setenv("CONFORMANCE_DATABASE_URL", database.conninfo)
        (words, *after) = command.simple()
        filled = [
            word.replace("$DATABASE_URL", database.conninfo).replace("URL_OR_DIR", "migrations")
            for word in words
        ]
        code = _code(filled)
    said = capfd.readouterr()

    assert "Traceback" not in said.err
    if after:
        assert [["echo", "exit code $?"]] == after
        assert list(command.printed) == [*said.out.splitlines(), f"exit code {code}"]
    else:
        # The report has rules that are not held, of which `versions` says so.
        assert ("versions" in words) == code, said


@pytest.mark.parametrize(
    "text",
    sorted({each.text for each in EVERY if any(fnmatchcase(each.text, x) for x in SELECTIONS)}),
)
def test_a_selection_has_tests(text: str) -> None:
    """Of what a page selects, by a rule, words or a domain, there are tests."""
    (command, *_) = (each for each in EVERY if each.text == text)
    ((_, *words),) = command.simple()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def _code(words: list[str]) -> int:
    """Run a command, in this process where it is ours, and return its exit code."""
    ours = {"framecast-conformance": 1, "python": 3}.get(words[0])
    if ours is None:
        return subprocess.run([BIN / Path(words[0]).name, *words[1:]], check=False).returncode
    try:
        return main(words[ours:])
    except SystemExit as end:
        return int(end.code or 0)


def test_psql_installs_the_schema(scratch: Scratch, empty_template: Template) -> None:
    """The commands of the schema's own page install all of it, one after the other."""
    page = "migrations/README.md"
    with scratch.cloned(empty_template, "page") as database, database.connect() as connection:
        (bin_dir,) = connection.execute(BINDIR).fetchone() or ("",)
        for command in commands():
            if command.page == page:
                ((program, *words),) = command.simple()
                words = [word.replace("$DATABASE_URL", database.conninfo) for word in words]
                subprocess.run([Path(bin_dir, program), *words], cwd=ROOT, check=True)
        jobs = connection.execute("SELECT to_regclass('public.jobs')::text").fetchone()

    assert ("jobs",) == jobs
