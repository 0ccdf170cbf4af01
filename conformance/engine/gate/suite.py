"""A run of the whole suite on a schema, in a process of its own, and what it says of each rule."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from conformance.engine.audit.enforcement import folder_of
from conformance.engine.audit.target import TargetError
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.database.session import PATIENCE
from conformance.engine.domain.chosen import RULES
from conformance.engine.domain.chosen import VARIABLE as DOMAIN
from conformance.engine.gate import child, kept
from conformance.engine.gate.outcomes import EARLY
from conformance.engine.gate.result import Result
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.progress import Watch
from conformance.engine.pytest_plugin.limits import FAILURES
from conformance.engine.pytest_plugin.role import FURTHER, NEAR
from framecast_conformance import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.result import Run
    from conformance.engine.postgres import Request

SUITE = kept.SUITE
RAN = (0, 1)  # pytest's exit codes of a run that came to its end
STOPPED = 2  # and of one that was to end early
FEW = 3
# Causes, tests that fail, or the first file of tests in which one does: a run ends early.
ENOUGH = (FAILURES, "5", "--maxfail", "10", EARLY)
THOROUGH = "thorough"
LONGER = "6"  # times as much time for what has met a timeout
OTHERS = ("PYTEST_", "CONFORMANCE_", "COV_")  # variables of other runs, which this one is not
# What is about several sessions, or only read: as whom one writes makes no difference there.
AS_ANYBODY = ("races", "meetings", "meeting_rules", "strangers", "reading", "enforcement")
# What writes rows of one rule, or tells what a role may do: enough where others are out of reach.
ONE_BY_ONE = ("rules", "role", "reading")
TAIL = 6  # lines of what a run that did not come to its end printed last


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
    if result.is_cut and not result.is_wrong:  # it was stopped by what passes with more time
        return run(files, dataclasses.replace(how, few=False))
    kept.keep(files, how, result)  # a schema that is to be will be the one that is
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
            *(*installed.python(), "-m", "pytest", *installed.ALONE),
            *(map(_place, tests) if tests else _all(how)),
            *("-p", "conformance.plugin"),
            *("-p", "conformance.engine.gate.outcomes", "-p", "no:cacheprovider", "--quiet"),
            *("--migrations", str(schema), "--hypothesis-profile", how.profile),
            *("--conformance-report", str(report), "--gate-outcomes", str(failed)),
            *("--gate-progress", str(done), "--conformance-findings", "none"),
            *(f"{FURTHER}={name}" for name in how.further),
            *(f"{NEAR}={rule}" for rule in how.rules),
            *(ENOUGH if how.few and not tests else ()),
            *_server(how.request),
        ]
        if how.role:
            left_out = () if tests or how.alone or how.profile == THOROUGH else AS_ANYBODY
            command += ["--role", how.role]
            command += [f"--ignore={SUITE / f'test_{name}.py'}" for name in left_out]
        watch = Watch(done, how.say)
        if tests:
            _run([*command, "-n", "0"], how.timeout, (report, failed), watch, LONGER)
        else:
            _run(command, how.timeout, (report, failed), watch)
        whole = not (tests or how.rules)
        told = _result(json.loads(report.read_text()), json.loads(failed.read_text()), whole=whole)
        if how.alone:  # of another rule, a few of its tests prove nothing
            told.verdicts = {
                rule: said for rule, said in told.verdicts.items() if rule in how.rules
            }
        return told


def of_tests(files: Sequence[Migration], how: Run, tests: Mapping[str, Sequence[str]]) -> Result:
    """Return what some tests alone say of a schema, by what they are about.

    Raises:
        TargetError: they did not come to their end.
    """
    every = [*dict.fromkeys(test for some in tests.values() for test in some)]
    result = _attempt(files, how, every)
    for rule in tests.keys() & RULES.keys():
        if not {*tests[rule]} & {*result.failing}:
            result.verdicts[rule] = Verdict.HELD
    result.verdicts = {each: said for each, said in result.verdicts.items() if each in tests}
    return result


def run_once(files: Sequence[Migration], how: Run) -> tuple[Result, bool]:
    """Return what the suite says of a schema, from the cache where it was right before.

    Returns:
        What it said, and whether that came from the cache. What decides it: what the files do, the
        server's version, the profile, who writes, and the suite's own code.

    Raises:
        TargetError: as `run`.
    """
    found = kept.known(files, how)
    return (run(files, how), False) if found is None or found.is_wrong else (found, True)


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
    ended = (*RAN, STOPPED) if FAILURES in command else RAN
    if done.returncode not in ended or not all(path.is_file() for path in written):
        said = [line for line in done.stdout.splitlines() if line.strip()]
        message = f"the suite did not run (exit code {done.returncode}): " + " / ".join(
            said[-TAIL:]
        )
        raise TargetError(message)


def _all(how: Run) -> list[str]:
    """Return the suite, or those of its files that write rows of one rule."""
    files = [SUITE / f"test_{name}.py" for name in ONE_BY_ONE] if how.alone else [SUITE]
    return [str(file) for file in files]


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
