"""Claims of docs/clients.md on each library: `tox -e clients` brings what this needs."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from clients.flows import HERE, flows, mistakes
from clients.generating import MAPPINGS
from clients.harness import CLIENTS, Client, Place
from clients.preparing import MissingNodeError, prepare, program, tool
from clients.table import DONE, PAGE, REFUSED, RULES, heading, kept, shown

FLOWS, MISTAKES = flows(), mistakes()
BLOCK = re.compile(r"<!-- (\S+) -->\n+```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Whether what a generator writes loads as it is.
LOADS = {"SQLAlchemy": True, "Peewee": True, "Drizzle": False}
VERSION = re.compile(r"^\| ([\w@/.-]+) \| (\d[\w.]*) \|", re.MULTILINE)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_flow(name: str, flow: str, client: Callable[[str], Client]) -> None:
    """A flow comes to what the page says, by the client's own exception, which has an answer."""
    tried = FLOWS[flow]
    outcome = client(name).does(tried)
    assert kept("What each does")[heading(tried)][name] == shown(tried, outcome), outcome
    if tried.refused:
        listed = RULES["constraints"][tried.refused]
        assert (listed["answer"], listed["hint"]) == (outcome.answer, outcome.hint)


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_mistake(name: str, mistake: str, client: Callable[[str], Client]) -> None:
    """A mistake of an application comes to what is written down, here and on the page."""
    tried = MISTAKES[mistake]
    outcome = client(name).does(tried)
    met = "lost" if outcome.done else str(outcome)
    assert tried.comes_to.get(name, "none") == met, outcome
    assert kept("What never to do")[heading(tried)][name] == shown(tried, outcome)


def test_every_client_does_every_flow() -> None:
    """The page has a cell for each flow of each client, done or refused as it should be."""
    table = kept("What each does")
    assert [heading(flow) for flow in FLOWS.values()] == list(table)
    for flow in FLOWS.values():
        expected = REFUSED if flow.refused else DONE
        assert dict.fromkeys(CLIENTS, expected) == table[heading(flow)]


@pytest.mark.parametrize("library", MAPPINGS)
def test_a_mapping_is_what_its_generator_writes(library: str, place: Place) -> None:
    """Each mapping is what its generator writes for the schema's owner, changed by our script."""
    mapping = MAPPINGS[library]
    generated = mapping.generate(place.owner)
    assert library not in LOADS or LOADS[library] == loads(mapping.file, generated)
    assert ordered(mapping.file.read_text()) == ordered(mapping.changed(generated))


@pytest.mark.parametrize(
    ("library", "missed"), [("Drizzle", ".primaryKey()"), ("Peewee", "ForeignKeyField(")]
)
def test_an_application_is_not_shown_the_keys(library: str, missed: str, place: Place) -> None:
    """As the application's role a generator finds no keys, which it finds as the owner."""
    generate = MAPPINGS[library].generate
    assert missed in generate(place.owner)
    assert missed not in generate(place.application)


def loads(file: Path, source: str) -> bool:
    """Return whether a source runs where a file of its kind lies."""
    python = [sys.executable, "-W", "ignore"]
    beside = file.with_name(f"generated_{file.name}")
    beside.write_text(source)
    try:
        command = [*(python if file.suffix == ".py" else [tool("tsx")]), str(beside)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    finally:
        beside.unlink()


def ordered(mapping: str) -> list[list[str]]:
    """Return a mapping's parts, and their lines, in one order: drizzle-kit has none."""
    imports = re.compile(r"^import \{ (.*) \}", re.MULTILINE)
    sorts = imports.sub(lambda found: ", ".join(sorted(found[1].split(", "))), mapping)
    return sorted(sorted(part.split("\n")) for part in re.split(r"\n{2,}", sorts.strip()))


def test_the_pages_code_is_what_is_run() -> None:
    """Each block of code on the page stands in the file that it names, line by line."""
    blocks = BLOCK.findall(PAGE.read_text())
    assert len(blocks) == PAGE.read_text().count("\n<!-- clients/")
    for file, code in blocks:
        lines = [line.strip() for line in (HERE.parent / file).read_text().splitlines()]
        wanted = [line.strip() for line in code.splitlines()]
        places = [at for at in range(len(lines)) if lines[at : at + len(wanted)] == wanted]
        assert len(places) == 1, (file, code)


def test_the_pages_versions_are_those_that_are_run() -> None:
    """The page names the versions of the requirements and of the lock file."""
    named = dict(VERSION.findall(PAGE.read_text()))
    packages = json.loads((HERE / "node/package.json").read_text())
    used = {**packages["dependencies"], **packages["devDependencies"]}
    for line in (HERE / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            library, _, pinned = line.partition("==")
            assert pinned == version(library)
            used[library] = pinned
    assert len(named) > 10
    assert named.items() <= used.items()


def test_a_missing_node_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no node, one message says what to do."""
    monkeypatch.setattr("clients.preparing.sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingNodeError, match=r"no node: `tox -e clients` brings both"):
        program("node")
    with pytest.raises(MissingNodeError, match=r"node 20\.19 or newer"):
        prepare()
