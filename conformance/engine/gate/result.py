"""Parameters of a run of the suite, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.engine.postgres import Request
    from conformance.engine.progress import Say


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
        rules: those that alone are tried one by one; all, where there is none.
        alone: whether nothing but these is tried, and what a role may do.
        few: whether to end at the first failures: what is left is `not run` then.
    """

    request: Request
    version: int
    profile: str
    timeout: float
    say: Say = field(default=unheard, compare=False, repr=False)
    role: str = ""
    further: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    alone: bool = False
    few: bool = field(default=False, compare=False)


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

    @property
    def is_wrong(self) -> bool:
        """True where anything failed, or a rule is not held."""
        return bool(self.failed) or not {*self.verdicts.values()} <= {Verdict.HELD, NOT_RUN}

    @property
    def is_cut(self) -> bool:
        """True where the run ended before it came to all rules."""
        return NOT_RUN in self.verdicts.values()

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
