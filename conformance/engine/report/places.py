"""Places in the migrations where what enforces a rule is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.domain.chosen import RULES
from conformance.engine.report.written import ALL, CODE, TABLE, line_in, without_comments, written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from conformance.engine.deployment.migration import Migration
    from conformance.engine.report.form import Place
    from conformance.engine.report.written import Written

BAND = re.compile(r"^_\d+_")  # before the names of triggers, which it orders
KINDS = ("function", "trigger", "type")  # that a name may begin with
NAMED = ("constraint", "index", "trigger")  # that refuse under their names


class Found(NamedTuple):
    """Statement that wrote an object last, and the number of its file."""

    kind: str
    name: str
    on: str
    file: int
    line: int
    calls: frozenset[str]
    gone: bool = False


class Places:
    """Statements of a folder that wrote each object last: made it, changed it or dropped it."""

    def __init__(
        self,
        folder: str,
        files: Iterable[Migration],
        changed: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Read files.

        Args:
            folder: as places are to name it, relative where the report goes with a checkout.
            files: in the order in which they are applied.
            changed: what is known to differ from another schema, such as `trigger a of t`, each
                with the ids of the rules that it serves.
        """
        self.folder = folder
        files = tuple(files)
        self._files = [f"{folder}/{each.name}" for each in files]
        self._texts = [without_comments(each.sql) for each in files]
        self._changed = {_key(each): rules for each, rules in (changed or {}).items()}
        self._last: dict[tuple[str, str, str], Found] = {}
        for number, each in enumerate(files):
            for one in written(each.sql):
                self._note(number, one)

    def of(self, names: Iterable[str]) -> Mapping[str, Place]:
        """Return the place of each name that is written somewhere.

        A name of a rejection is a constraint's, an index's or a trigger's, or what some of these
        begin with; `type …`, `function …` and `trigger table.name` say their kind.
        """
        found = {name: next(self._named(name), None) for name in names}
        return {name: self._place(each) for name, each in found.items() if each is not None}

    def first(
        self, names: Iterable[str], rule: str = "", tables: Collection[str] = ()
    ) -> Place | None:
        """Return the place to look at where a rule that these names enforce is not held.

        Of its objects, of the functions that they call, and of what serves it under no name of a
        rule, one that is known to have changed; or else what the last file wrote; or else the
        nearest. Of the latter only what has gone counts where nothing is known to have changed.

        Args:
            names: of what enforces it.
            rule: its id.
            tables: of which it speaks.
        """
        seen = {each: None for name in names for each in self._named(name)}
        ranked, depth = [], 0
        near = list(seen)
        while near:
            ranked += [(not self._is_changed(each), -each.file, depth, each) for each in near]
            calls = [other for each in near for other in self._called(each)]
            near = [each for each in dict.fromkeys(calls) if each not in seen]
            seen |= dict.fromkeys(near)
            depth += 1
        serving = (*self._changed_for(rule), *self._gone_of(tables))
        ranked += [(not self._is_changed(each), -each.file, depth, each) for each in serving]
        return self._place(min(ranked, key=lambda each: each[:3])[3]) if ranked else None

    def of_object(self, kind: str, name: str, on: str) -> Place | None:
        """Return the place of an object of the schema, or else of its table.

        Names may be qualified, and a function's have its arguments.
        """
        found = self._found(kind, _bare(name), _bare(on))
        return self._place(found) if found else None

    def _found(self, kind: str, name: str, on: str) -> Found | None:
        keys = [(kind, name, on), (kind, name, ""), (TABLE, on, "")]
        return next(filter(None, map(self._last.get, keys)), None)

    def _changed_for(self, rule: str) -> Iterator[Found]:
        """Yield what serves a rule and is known to have changed; else its table, if it has gone."""
        for key, rules in self._changed.items():
            found = self._found(*key) if rule in rules else None
            if found is not None:
                yield found

    def _gone_of(self, tables: Collection[str]) -> Iterator[Found]:
        """Yield triggers of tables that have gone, such as those that lock, but those of rules.

        One has gone, too, whose function has.
        """
        functions = {each.name: each for each in self._last.values() if each.kind == "function"}
        for each in self._last.values():
            bare = BAND.sub("", each.name)
            if each.kind != "trigger" or each.on not in tables or _is_of_a_rule(bare):
                continue
            called = (functions[name] for name in each.calls if name in functions)
            yield from (one for one in (each, *called) if one.gone)

    def _note(self, number: int, one: Written) -> None:
        if one.kind == CODE:
            for key, each in list(self._last.items()):
                if each.name in one.calls:
                    line = line_in(self._texts[number], each.name, one.line)
                    self._last[key] = each._replace(file=number, line=line)
            return
        on = one.on if one.kind in ("constraint", "trigger") else ""
        if one.name == ALL:
            for key, each in list(self._last.items()):
                if (each.kind, each.on) == (one.kind, on):
                    self._last[key] = each._replace(file=number, line=one.line, gone=one.gone)
            return
        key = (one.kind, one.name, on)
        before = self._last.get(key)
        # What changes or drops an object says less of what it calls than what made it.
        calls = one.calls or (before.calls if before else frozenset())
        self._last[key] = Found(*key, number, one.line, calls, one.gone)

    def _named(self, name: str) -> Iterator[Found]:
        kind, _, rest = name.partition(" ")
        if kind in KINDS and rest:
            table, _, bare = rest.rpartition(".")
            for each in self._last.values():
                if (each.kind, each.name) == (kind, bare) and table in ("", each.on):
                    yield each
            return
        bare = name.rpartition(" ")[2].rpartition(".")[2]
        some = [each for each in self._last.values() if each.kind in NAMED and _is(each, bare)]
        yield from some or self._refusing(bare)

    def _refusing(self, name: str) -> Iterator[Found]:
        """Yield functions that refuse under a name which no object has, then their triggers."""
        some = []
        for each in self._last.values():
            said = next((call for call in sorted(each.calls) if _begins(call, name)), None)
            if each.kind == "function" and said:
                some.append(each.name)
                yield each._replace(line=line_in(self._texts[each.file], said, each.line))
        for each in self._last.values():
            if each.kind == "trigger" and not each.calls.isdisjoint(some):
                yield each

    def _called(self, one: Found) -> Iterator[Found]:
        for (kind, name, _), each in self._last.items():
            if kind == "function" and name in one.calls:
                yield each

    def _is_changed(self, one: Found) -> bool:
        keys = {(one.kind, one.name, one.on), (one.kind, one.name, "")}
        return one.kind == TABLE or not keys.isdisjoint(self._changed)

    def _place(self, one: Found) -> Place:
        return {"file": self._files[one.file], "line": one.line}


def _is(one: Found, name: str) -> bool:
    return one.name == name or _begins(BAND.sub("", one.name), name)


def _begins(word: str, name: str) -> bool:
    """Return whether a word is a name, or begins with one that others share."""
    return word.startswith(name) if name.endswith("__") else word == name


def _is_of_a_rule(name: str) -> bool:
    return any(name.startswith(rule.token) for rule in RULES.values())


def _key(name: str) -> tuple[str, str, str]:
    """Return kind, name and table of what differs between schemas, such as `trigger a of s.t`."""
    kind, called, *on = _bare(name).split()
    return kind, called, on[-1] if on else ""


def _bare(name: str) -> str:
    """Return the name of an object without its schema and the arguments of a function."""
    words = name.partition("(")[0].split(" ")
    return " ".join(word.rpartition(".")[2] for word in words)
