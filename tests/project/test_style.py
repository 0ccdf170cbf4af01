"""The style of the tree that no linter keeps: sizes, docstrings, the direction of imports.

Each check takes sources by their paths and yields ``path:line: reason``. SQL has a page of its
own, test_style_sql.
"""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = (
    "conformance",
    "framecast_conformance",
    "strategies",
    "examples",
    "tests",
    "benchmarks",
    "browser",
)
TEXT = (*CODE, "migrations", "docs", ".ci", ".github")

LONGEST_MODULE = 400  # lines
# Files that a command writes, which a test compares with what it writes now.
WRITTEN = (Path("examples/imported/rules.py"),)

# Who may import psycopg. Everyone else handles statements and outcomes as data.
KNOW_THE_DATABASE = (
    "benchmarks",
    "conformance.commands",
    "conformance.engine.audit",
    "conformance.engine.catalogue.schema",
    "conformance.engine.changed.inventory",
    "conformance.engine.database",
    "conformance.engine.deployment",
    "conformance.engine.explain",
    "conformance.engine.gate",
    "conformance.engine.init",
    "conformance.engine.migrate",
    "conformance.engine.mutants",
    "conformance.plugin",
    "conformance.engine.postgres",
    "conformance.engine.races.driver",
    "conformance.engine.reading",
    "conformance.engine.rejections",
    "conformance.engine.soak",
    "conformance.framecast.mutants",
    "conformance.framecast.soak",
    "conformance.framecast.states",
    "tests",
)

# Who may poll, within a deadline: a process that starts or ends has no event to wait for.
MAY_POLL = ("conformance.engine.postgres",)

DOMAINS = ("conformance.framecast", "strategies", "examples")

# Written in two halves, so that this file does not hold what it looks for.
OTHER_PLACES = ("../" + "shared", "/" + "work/", ".lib" + "rary")

EXCUSE = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)\b")

Sources = Mapping[Path, str]
Check = Callable[[Sources], Iterator[str]]


def check_length(sources: Sources) -> Iterator[str]:
    """A module can be read in one sitting."""
    for path, text in sources.items():
        lines = len(text.splitlines())
        if lines > LONGEST_MODULE and path not in WRITTEN:
            yield f"{path}:{lines}: the module has {lines} lines; split it below {LONGEST_MODULE}"


def check_docstrings(sources: Sources) -> Iterator[str]:
    """Public objects have a docstring; a test's claim is one paragraph."""
    for path, node, _ in _nodes(sources):
        for inner in node.body if isinstance(node, ast.Module | ast.ClassDef) else ():
            if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            names = (inner.name, getattr(node, "name", ""))
            public = not any(name.startswith("_") for name in names)
            docstring = ast.get_docstring(inner)
            if docstring is None and public:
                yield f"{path}:{inner.lineno}: {inner.name} has no docstring"
            elif docstring and inner.name.startswith("test_") and "\n\n" in docstring:
                yield f"{path}:{inner.lineno}: {inner.name} claims more than one paragraph"


def check_sleeps(sources: Sources) -> Iterator[str]:
    """No code waits for a clock."""
    for path, node, imported in _nodes(sources):
        called = isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep"
        if (called or "time.sleep" in imported) and not _is_in_any(_module(path), MAY_POLL):
            yield f"{path}:{_line(node)}: time.sleep: wait for the event, not for the clock"


def check_handlers(sources: Sources) -> Iterator[str]:
    """An exception is caught by its name, unless it is raised again or the line says why not."""
    for path, node, _ in _nodes(sources):
        if not isinstance(node, ast.ExceptHandler) or ast.unparse(node.body[-1]) == "raise":
            continue
        names = ast.walk(node.type or ast.Name("BaseException"))
        kinds = {name.id for name in names if isinstance(name, ast.Name)}
        line = sources[path].splitlines()[node.lineno - 1]
        if kinds & {"Exception", "BaseException"} and "noqa: BLE001 - " not in line:
            yield f"{path}:{node.lineno}: catches everything: name what is meant"


def check_excuses(sources: Sources) -> Iterator[str]:
    """A comment that overrules a linter says why."""
    for path, text in sources.items():
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            excuse = token.type == tokenize.COMMENT and EXCUSE.match(token.string)
            if excuse and not re.search(r" [-#] \w", token.string.removeprefix("# ")):
                yield f"{path}:{token.start[0]}: {token.string}: add ' - ' and the reason"


def check_skips(sources: Sources) -> Iterator[str]:
    """A test that cannot run fails, and Postgres is never played by somebody else."""
    for path, node, imported in _nodes(sources):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if re.fullmatch(r"pytest\.(mark\.)?(skip|skipif|importorskip)", name):
                yield f"{path}:{node.lineno}: {name}: what cannot be proven fails"
        if any(name.startswith(("unittest.mock", "mock.")) for name in imported):
            yield f"{path}:{_line(node)}: imports a mock: use the real thing"


def check_psycopg(sources: Sources) -> Iterator[str]:
    """Only who talks to the database knows its driver."""
    for path, node, imported in _nodes(sources):
        knows = any(_is_in(name, "psycopg") for name in imported)
        if knows and not _is_in_any(_module(path), KNOW_THE_DATABASE):
            yield f"{path}:{_line(node)}: imports psycopg, and is not one of KNOW_THE_DATABASE"


def check_engine(sources: Sources) -> Iterator[str]:
    """The engine names no domain, not even as a type; of what runs import-linter is the judge."""
    for path, node, imported in _nodes(sources):
        names = any(_is_in_any(name, DOMAINS) for name in imported)
        if names and _is_in(_module(path), "conformance.engine"):
            yield f"{path}:{_line(node)}: imports a domain: the engine takes it as one object"


def check_cycles(sources: Sources) -> Iterator[str]:
    """No module imports itself, by whatever way."""
    graph = _graph(sources)
    for module in graph:
        way = _way(graph, module, module)
        if way:
            path, line = graph[module][way[0]]
            yield f"{path}:{line}: {' -> '.join((module, *way))}: imports go in a circle"


def check_places(sources: Sources) -> Iterator[str]:
    """The project stands by itself: it names no folder of the place where it was written."""
    for path, text in sources.items():
        for number, line in enumerate(text.splitlines(), start=1):
            for place in OTHER_PLACES:
                if place in line:
                    yield f"{path}:{number}: names {place}, which is no part of the project"


PYTHON_CHECKS: tuple[Check, ...] = (
    check_length,
    check_docstrings,
    check_sleeps,
    check_handlers,
    check_excuses,
    check_skips,
    check_psycopg,
    check_engine,
    check_cycles,
)


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Read every Python file of the project, by its path."""
    return _read(*(path for folder in CODE for path in (ROOT / folder).rglob("*.py")))


@pytest.mark.parametrize("check", PYTHON_CHECKS)
def test_python_keeps_the_style(check: Check, sources: Sources) -> None:
    """Every Python file of the project keeps each rule of style."""
    assert Path("conformance/engine/deployment/migrations.py") in sources
    _expect_none(check(sources))


def test_tests_mirror_the_tree() -> None:
    """The tests of a package are in the folder of its name."""
    for tree in ("engine", "framecast"):
        mirrored = {path.name for path in (ROOT / "tests" / tree).iterdir() if path.is_dir()}
        packages = {
            path.parent.name for path in (ROOT / "conformance" / tree).glob("*/__init__.py")
        }

        assert set() == mirrored - packages - {"__pycache__"}
    assert ["conftest.py"] == [path.name for path in (ROOT / "tests").glob("*.py")]


def test_text_stands_by_itself() -> None:
    """No file of the project names a folder outside it."""
    sources = _read(
        *(path for path in ROOT.iterdir() if path.is_file()),
        *(path for folder in TEXT for path in (ROOT / folder).rglob("*") if path.suffix != ".png"),
    )

    assert Path("pyproject.toml") in sources
    _expect_none(check_places(sources))


BAD: tuple[tuple[Check, dict[str, str], str], ...] = (
    (check_length, {"a.py": "x = 1\n" * 401}, "a.py:401: the module has 401 lines"),
    (check_docstrings, {"a.py": "def f(): ..."}, "a.py:1: f has no docstring"),
    (check_docstrings, {"a.py": "class C:\n def f(s): ..."}, "a.py:1: C has no docstring"),
    (check_docstrings, {"a.py": "class C:\n def f(s): ..."}, "a.py:2: f has no docstring"),
    (check_docstrings, {"a.py": 'def test_a():\n "One.\\n\\nTwo."'}, "a.py:1: test_a claims more"),
    (check_sleeps, {"a.py": "import time\ntime.sleep(1)"}, "a.py:2: time.sleep"),
    (check_sleeps, {"a.py": "from time import sleep as nap"}, "a.py:1: time.sleep"),
    (check_handlers, {"a.py": "try: f()\nexcept Exception: g()"}, "a.py:2: catches every"),
    (check_handlers, {"a.py": "try: f()\nexcept (OSError, BaseException): g()"}, "a.py:2: catches"),
    (check_handlers, {"a.py": "try: f()\nexcept: g()"}, "a.py:2: catches every"),
    (check_excuses, {"a.py": "x = 1  # noqa: E501"}, "a.py:1: # noqa: E501: add ' - ' and"),
    (check_excuses, {"a.py": "x = 1  # type: ignore[a-b]"}, "a.py:1: # type: ignore[a-b]"),
    (check_skips, {"a.py": "import pytest\npytest.skip('no server')"}, "a.py:2: pytest.skip"),
    (check_skips, {"a.py": "@pytest.mark.skipif(x)\ndef f(): ..."}, "a.py:1: pytest.mark.skipif"),
    (check_skips, {"a.py": "from unittest import mock"}, "a.py:1: imports a mock"),
    (check_psycopg, {"conformance/a.py": "\nimport psycopg"}, "conformance/a.py:2: imports psyc"),
    (check_psycopg, {"conformance/a.py": "from psycopg import sql"}, "conformance/a.py:1: imports"),
    (
        check_engine,
        {"conformance/engine/a.py": "if x:\n from strategies.tables import COLUMNS"},
        "conformance/engine/a.py:2: imports a domain",
    ),
    (
        check_cycles,
        {"conformance/a.py": "from conformance import b", "conformance/b.py": "from .a import f"},
        "conformance/a.py:1: conformance.a -> conformance.b -> conformance.a: imports go in",
    ),
    (check_places, {"docs/a.md": f"\nsee {OTHER_PLACES[0]}/b"}, "docs/a.md:2: names ../"),
    (check_places, {"docs/a.md": f"see {OTHER_PLACES[1]}main"}, "docs/a.md:1: names /"),
    (check_places, {"docs/a.md": OTHER_PLACES[2]}, "docs/a.md:1: names .lib"),
)


@pytest.mark.parametrize(("check", "planted", "finding"), BAD)
def test_a_planted_fault_is_reported(check: Check, planted: dict[str, str], finding: str) -> None:
    """Each check reports the fault that it is there for, by path, line and reason."""
    found = list(check({Path(path): text for path, text in planted.items()}))

    assert any(line.startswith(finding) for line in found), found


@pytest.mark.parametrize("check", PYTHON_CHECKS)
def test_good_style_is_not_reported(check: Check) -> None:
    """No check reports what is as it should be."""
    good = {
        "conformance/a.py": "from conformance.engine.deployment.migrations import load\n"
        "import conformance",
        "conformance/engine/migrate/a.py": "import psycopg\ntry: g()\nexcept OSError: ...",
        "conformance/a/b.py": "import conformance.a.c\ntry: g()\nexcept BaseException: h(); raise",
        "conformance/a/c.py": "class _C:\n def f(s): ...  # noqa: E501 - it is long",
        "tests/test_a.py": 'import time, psycopg\ndef test_a():\n "One.\\nStill it."\n time.time()',
        "strategies/a.py": "from hypothesis import strategies as st",
    }

    _expect_none(check({Path(path): text for path, text in good.items()}))


def _expect_none(findings: Iterator[str]) -> None:
    if found := list(findings):
        pytest.fail("\n".join(found), pytrace=False)


def _read(*paths: Path) -> dict[Path, str]:
    return {
        path.relative_to(ROOT): path.read_text()
        for path in sorted(paths)
        if path.is_file() and "__pycache__" not in path.parts
    }


def _nodes(sources: Sources) -> Iterator[tuple[Path, ast.AST, tuple[str, ...]]]:
    """Walk all syntax trees; an import comes with the full names that it imports."""
    for path, text in sources.items():
        for node, imported in _tree(_package(path), text):
            yield path, node, imported


@functools.cache
def _tree(package: str, text: str) -> tuple[tuple[ast.AST, tuple[str, ...]], ...]:
    return tuple((node, tuple(_imported(package, node))) for node in ast.walk(ast.parse(text)))


def _imported(package: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        parents = package.split(".")[: len(package.split(".")) + 1 - node.level]
        base = [*(parents if node.level else ()), *((node.module,) if node.module else ())]
        yield from (".".join((*base, alias.name)) for alias in node.names)


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _package(path: Path) -> str:
    return ".".join(path.parent.parts)


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)


def _is_in_any(module: str, prefixes: Iterable[str]) -> bool:
    return any(_is_in(module, prefix) for prefix in prefixes)


def _is_in(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(f"{prefix}.")


def _graph(sources: Sources) -> dict[str, dict[str, tuple[Path, int]]]:
    """Tell who imports whom, and where. What is imported is cut down to the module's name."""
    modules = {_module(path) for path in sources}
    graph: dict[str, dict[str, tuple[Path, int]]] = {module: {} for module in modules}
    for path, node, imported in _nodes(sources):
        for name in imported:
            parent = name.rpartition(".")[0]
            inside = isinstance(node, ast.ImportFrom) and name not in modules
            target = parent if inside else name
            if target != _module(path):
                graph[_module(path)].setdefault(target, (path, _line(node)))
    return dict(sorted(graph.items()))


def _way(graph: Mapping[str, Mapping[str, object]], start: str, goal: str) -> tuple[str, ...]:
    """Find the shortest way along imports from a module to another."""
    ways: list[tuple[str, ...]] = [(target,) for target in graph[start]]
    seen = set()
    for way in ways:
        if way[-1] == goal:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [(*way, target) for target in graph.get(way[-1], ())]
    return ()
