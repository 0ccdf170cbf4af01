"""A run of the whole suite on a schema, in a process of its own, and what it says of each rule."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import conformance
from conformance.engine.audit.enforcement import folder_of
from conformance.engine.audit.target import TargetError
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.database.session import PATIENCE
from conformance.engine.domain.chosen import RULES, domain_folders
from conformance.engine.domain.chosen import VARIABLE as DOMAIN
from conformance.engine.gate import child
from conformance.engine.postgres import folders
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.progress import Watch
from conformance.engine.pytest_plugin.role import FURTHER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.postgres import Request
    from conformance.engine.progress import Say

SUITE = Path(conformance.__file__).parent
RAN = (0, 1)  # pytest's exit codes of a run that came to its end
FEW = 3
THOROUGH = "thorough"
LONGER = "6"  # times as much time for what has met a timeout
OTHERS = ("PYTEST_", "CONFORMANCE_", "COV_")  # variables of other runs, which this one is not
# What is about several sessions, or only read: as whom one writes makes no difference there.
AS_ANYBODY = ("races", "meetings", "meeting_rules", "strangers", "reading", "enforcement")
LOOKERS_ON = ("audit", "gate")  # parts of the package that decide no verdict
TAIL = 6  # lines of what a run that did not come to its end printed last


@dataclass(frozen=True)
class Run:
    """Parameters of a run of the suite.

    Attributes:
        request: the server.
        version: its `server_version_num`, for the cache.
        profile: Hypothesis' profile: how many examples.
        timeout: seconds that a run may take.
        say: receives, now and then, how much of it is done.
        role: who writes, if not the owner; what needs several sessions is left out then, unless
            the profile is thorough.
        further: what is new and no rule speaks of: the role may have any right to it.
    """

    request: Request
    version: int
    profile: str
    timeout: float
    say: Say = field(default=lambda *_: None, compare=False, repr=False)
    role: str = ""
    further: tuple[str, ...] = ()


@dataclass
class Result:
    """Result of a run of the suite.

    Attributes:
        verdicts: by rule.
        failures: by rule: what was seen, in words.
        failed: tests that are about all rules, by pytest's ids, and what each said first.
        tests: by rule that is not held: the tests that say so.
        slow: tests that met a timeout, also when they were tried again with more time.
        failing: all tests that failed.
    """

    verdicts: dict[str, str] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    tests: dict[str, list[str]] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)

    def about(self, tests: Collection[str]) -> list[str]:
        """Return the rules that no test but some of these says are not held."""
        return [rule for rule, said in self.tests.items() if said and set(said) <= set(tests)]

    def and_as(self, role: str, other: Result) -> Result:
        """Return what this run says together with one as a role: the worse of the two."""
        only = [
            rule
            for rule, verdict in other.verdicts.items()
            if verdict != Verdict.HELD and self.verdicts.get(rule) == Verdict.HELD
        ]
        seen = {
            rule: [f"as {role}: {each}" for each in other.failures.get(rule, ())] for rule in only
        }
        failed = {test: f"{said} (as {role})" for test, said in other.failed.items()}
        return Result(
            {**self.verdicts, **{rule: other.verdicts[rule] for rule in only}},
            {**self.failures, **seen},
            {**failed, **self.failed},
            {**self.tests, **{rule: other.tests.get(rule, []) for rule in only}},
            [*dict.fromkeys((*self.slow, *other.slow))],
            [*dict.fromkeys((*self.failing, *other.failing))],
        )

    def forgive(self, tests: Collection[str]) -> None:
        """Take back what some tests have said, which have passed since."""
        for rule in self.about(tests):
            self.verdicts[rule] = Verdict.HELD
            self.failures.pop(rule, None)
            del self.tests[rule]
        for test in tests:
            self.failed.pop(test, None)


def run(files: Sequence[Migration], how: Run) -> Result:
    """Run the whole suite on the schema that some files make.

    Tests that meet a timeout are tried once more, alone and with more time: a machine that is busy
    says nothing of the schema.

    Raises:
        TargetError: it did not come to its end, so that nothing is known.
    """
    result = _attempt(files, how)
    met = result.slow
    if met:
        result.slow = again(files, how, met)
        result.forgive([test for test in met if test not in result.slow])
    _keep(files, how, result)  # a schema that is to be will be the one that is
    return result


def again(files: Sequence[Migration], how: Run, tests: Sequence[str]) -> list[str]:
    """Run some tests alone, with more time, and return those that fail even then.

    Where the first of many do, so do the others: each of them takes minutes.

    Raises:
        TargetError: they did not come to their end.
    """
    failing = _attempt(files, how, tests[:FEW]).failing
    if set(tests[:FEW]) <= set(failing):
        return list(tests)
    if tests[FEW:]:
        failing += _attempt(files, how, tests[FEW:]).failing
    return [test for test in tests if test in failing]


def _attempt(files: Sequence[Migration], how: Run, tests: Sequence[str] = ()) -> Result:
    """Run the suite, or some of its tests with more time."""
    with folder_of(files) as folder:
        report, failed, done = (folder / f"{name}.json" for name in ("report", "failed", "done"))
        schema = folder / "schema"
        schema.mkdir()
        for file in folder.glob("*.sql"):
            shutil.move(file, schema)
        command = [
            *(sys.executable, "-m", "pytest", *(map(_place, tests) if tests else (str(SUITE),))),
            *("-p", "conformance.plugin"),
            *("-p", "conformance.engine.gate.outcomes", "-p", "no:cacheprovider", "--quiet"),
            *("--migrations", str(schema), "--hypothesis-profile", how.profile),
            *("--conformance-report", str(report), "--gate-outcomes", str(failed)),
            *("--gate-progress", str(done), "--conformance-findings", "none"),
            *(f"{FURTHER}={name}" for name in how.further),
            *_server(how.request),
        ]
        if how.role:
            left_out = () if tests or how.profile == THOROUGH else AS_ANYBODY
            command += ["--role", how.role]
            command += [f"--ignore={SUITE / f'test_{name}.py'}" for name in left_out]
        watch = Watch(done, how.say)
        if tests:
            _run([*command, "-n", "0"], how.timeout, (report, failed), watch, LONGER)
        else:
            _run(command, how.timeout, (report, failed), watch)
        return _result(
            json.loads(report.read_text()), json.loads(failed.read_text()), whole=not tests
        )


def run_once(files: Sequence[Migration], how: Run) -> tuple[Result, bool]:
    """Return what the suite says of a schema, from the cache where it has been run before.

    Returns:
        What it said, and whether that came from the cache. What decides it: the files, the server's
        version, the profile, and the suite's own code.

    Raises:
        TargetError: as `run`.
    """
    try:
        cached = cache() / f"verdicts-{_key(files, how)}.json"
    except OSError:  # no cache to write to
        return run(files, how), False
    if cached.is_file():
        try:
            return Result(**json.loads(cached.read_text())), True
        except (json.JSONDecodeError, TypeError):  # of another version
            cached.unlink()
    return run(files, how), False


def cache() -> Path:
    """Return the folder in which verdicts are kept; raises OSError where there can be none."""
    return folders.cache()


def _keep(files: Sequence[Migration], how: Run, result: Result) -> None:
    """Keep what the suite says of a schema, unless a machine was too busy to tell."""
    if result.slow:
        return
    try:
        cached = cache() / f"verdicts-{_key(files, how)}.json"
    except OSError:  # no cache to write to
        return
    with tempfile.NamedTemporaryFile("w", dir=cached.parent, delete=False) as new:
        new.write(json.dumps(dataclasses.asdict(result)))
    Path(new.name).replace(cached)


def _run(
    command: list[str],
    timeout: float,
    written: tuple[Path, ...],
    watch: Watch,
    patience: str = "1",
) -> None:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == DOMAIN or not name.startswith(OTHERS)
    }
    kept[PATIENCE] = patience
    try:
        done = child.run(command, timeout, folder=SUITE.parent, environ=kept, tick=watch)
    except subprocess.TimeoutExpired as error:
        message = f"the suite took longer than {timeout:g} s: give a longer --suite-timeout"
        raise TargetError(message) from error
    # Python ends with 1 too, where pytest did not even begin.
    if done.returncode not in RAN or not all(path.is_file() for path in written):
        said = [line for line in done.stdout.splitlines() if line.strip()]
        message = f"the suite did not run (exit code {done.returncode}): " + " / ".join(
            said[-TAIL:]
        )
        raise TargetError(message)


def _place(test: str) -> str:
    """Return a test by the file that it is in, wherever pytest is run."""
    file, _, name = test.partition("::")
    return f"{SUITE / file.rpartition('/')[2]}::{name}"


def _server(request: Request) -> Iterator[str]:
    for attribute, flag, _ in SETTINGS:
        value = getattr(request, attribute)
        if value is not None:
            yield from (flag, str(value))


def _result(
    report: Mapping[str, Any], outcomes: Mapping[str, Any], *, whole: bool = True
) -> Result:
    failed: Mapping[str, str] = outcomes["failed"]
    result = Result(slow=outcomes["slow"], failing=list(failed))
    told = set()
    for rule in report["rules"]:
        result.verdicts[rule["id"]] = rule["verdict"]
        paths: dict[str, list[str]] = {}
        for failure in rule["failures"]:
            told.add(failure["test"])
            result.tests.setdefault(rule["id"], []).append(failure["test"])
            seen = f"expected {failure['expected']}; observed {failure['observed']}"
            paths.setdefault(seen, []).append(failure["path"])
        if paths:
            result.failures[rule["id"]] = [
                f"{seen}; on {', '.join(some)}" for seen, some in paths.items()
            ]
    missing = [rule for rule in RULES if rule not in result.verdicts]
    if missing and whole:
        message = f"the suite's report lacks {len(missing)} rules, such as {missing[0]}"
        raise TargetError(message)
    result.failed = {test: said for test, said in failed.items() if test not in told}
    return result


def _key(files: Sequence[Migration], how: Run) -> str:
    key = hashlib.sha256(repr((how.version, how.profile, how.role)).encode())
    for file in files:
        key.update(f"{file.name} {file.sha256}\n".encode())
    for package in (SUITE, *domain_folders()):
        for path in sorted((*package.rglob("*.py"), *package.rglob("*.json"))):
            if path.relative_to(package).parts[0] not in LOOKERS_ON:
                key.update(path.read_bytes())
    return key.hexdigest()[:24]
