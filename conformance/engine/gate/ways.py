"""Ways that PostgreSQL leaves to follow the linter's advice: what has none shuts no gate.

What files have made decides it: nobody waits for a table that is new, a key of a partitioned one
cannot be built concurrently, and NOT NULL reads no rows where a check proves it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import AlterTableType as Alter
from pglast.enums import ConstrType, NullTestType, ObjectType

from conformance.engine.gate.parts import last, statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from conformance.engine.gate.parts import Node

    Name = tuple[str, str]

VALID, FOREIGN = "constraint-missing-not-valid", "adding-foreign-key-constraint"
VOLATILE = "adding-field-with-default"
KEYS = ("disallowed-unique-constraint", "adding-serial-primary-key-field")
# What `migrate` makes moot, which runs files in a transaction, or looks what is there; and what
# other sections refuse.
MOOT = ("prefer-robust-stmts", "transaction-nesting", "ban-uncommitted-transaction")
# What is as wrong where nobody waits for it, or uses it; what refers to it, may be older.
ALWAYS = ("identifier-too-long", "ban-duplicate-column-assignments", "ban-truncate-cascade")
PUBLIC, TEMPORARY, SCHEMA = "public", "pg_temp", "schema"  # where a name is looked for
UNIQUE = (ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY)
COMPUTED = (ConstrType.CONSTR_DEFAULT, ConstrType.CONSTR_GENERATED, ConstrType.CONSTR_IDENTITY)
IDENTITY = (Alter.AT_AddIdentity, Alter.AT_SetIdentity, Alter.AT_DropIdentity)
FOREIGN_KEYS_OF_PARTITIONED = 18  # may be NOT VALID


@dataclass
class Schema:
    """Facts about a schema that files tell, read one by one.

    Attributes:
        major: of the server.
        there: names that applied files have made.
        own: names that pending files have made, and no applied one.
        partitioned: tables.
        with_default: those of them that have a default partition.
        indexes: the table of each.
        checks: columns that checks require, by table and name of the check.
        proven: those of which it is validated.
        required: columns that have been set NOT NULL.
    """

    major: int
    there: set[Name] = field(default_factory=set)
    own: set[Name] = field(default_factory=set)
    partitioned: set[Name] = field(default_factory=set)
    with_default: set[Name] = field(default_factory=set)
    indexes: dict[Name, Name] = field(default_factory=dict)
    checks: dict[tuple[Name, str], str] = field(default_factory=dict)
    proven: set[tuple[Name, str]] = field(default_factory=set)
    required: set[tuple[Name, str]] = field(default_factory=set)

    def read(self, text: str) -> Callable[[int, int, str], bool]:
        """Read pending statements, and return what tells whether a finding in them shuts.

        It takes where the finding begins and ends, and the linter's rule.
        """
        proven, found = set(self.proven), []  # a check that this file validates read all rows
        for node, said, begins in statements(text):
            before = deepcopy(self)
            before.proven = proven
            found.append((begins, begins + len(said), node, before))
            self.learn(node, own=True)

        def shuts(begins: int, ends: int, rule: str) -> bool:
            if rule in MOOT:
                return False
            for first, end, node, before in found:
                if first <= begins < end:
                    return not before._is_moot(node, rule, (begins, ends))  # noqa: SLF001 - its own
            return True

        return shuts

    def learn(self, node: Node, *, own: bool = False) -> None:
        """Learn what a statement of an applied file, or of a pending one, does."""
        if own:
            self.own |= {*_made_by(node)} - self.there
        else:
            self.there |= {*_made_by(node)}
        if _is(node, ast.CreateStmt):
            self.partitioned |= {_of(node.relation)} if node.partspec else set()
            if node.partbound and node.partbound.is_default:
                self.with_default |= {_of(each) for each in node.inhRelations}
        elif _is(node, ast.IndexStmt):
            self.indexes[node.relation.schemaname or PUBLIC, node.idxname] = _of(node.relation)
        elif _is(node, ast.RenameStmt) and node.renameType == ObjectType.OBJECT_TABLE:
            if _of(node.relation) in self.own:
                self.own.add((node.relation.schemaname or PUBLIC, node.newname))
        elif _is(node, ast.AlterTableStmt) and node.relation:
            self._learn_of(_of(node.relation), node.cmds)

    def _learn_of(self, table: Name, commands: Iterable[Node]) -> None:
        for command in commands:
            if command.subtype == Alter.AT_AddConstraint:
                column = _required(command.def_)
                if column:
                    self.checks[table, command.def_.conname] = column
                if column and not command.def_.skip_validation:
                    self.proven.add((table, column))
            elif command.subtype == Alter.AT_ValidateConstraint:
                self.proven |= {(table, self.checks.get((table, command.name), ""))}
            elif command.subtype == Alter.AT_SetNotNull:
                self.required.add((table, command.name))
            elif command.subtype == Alter.AT_AttachPartition and command.def_.bound:  # of a table
                self.with_default |= {table} if command.def_.bound.is_default else set()

    def _are_own(self, names: Iterable[Name]) -> bool:
        """Return whether there are names, and pending files have made each of them."""
        every = [*names]
        return bool(every) and all(
            name in self.own
            or (not name[0] and {(TEMPORARY, name[1]), (PUBLIC, name[1])} & self.own)
            for name in every
        )

    def _is_moot(self, node: Node, rule: str, place: tuple[int, int]) -> bool:
        """Return whether nobody waits for what a statement does, or it can be done no other way."""
        if rule not in ALWAYS and self._are_own(self._subjects(node)):
            return True
        if _is(node, ast.AlterTableStmt) and node.relation:
            return self._is_moot_of(node, rule, place)
        if _is(node, ast.IndexStmt):  # the others are built on each partition
            return not node.relation.inh and _of(node.relation) in self.partitioned
        if _is(node, ast.DropStmt) and node.removeType == ObjectType.OBJECT_INDEX:
            tables = {self.indexes.get((each[0] or PUBLIC, each[1])) for each in _named(node)}
            return tables <= self.partitioned
        if _is(node, ast.AlterDomainStmt) and node.def_:
            return bool(getattr(node.def_, "skip_validation", False))
        of_what = getattr(node, "renameType", None)
        return of_what in {ObjectType.OBJECT_INDEX, ObjectType.OBJECT_TABCONSTRAINT}

    def _is_moot_of(self, node: Node, rule: str, place: tuple[int, int]) -> bool:
        """Return the same of ALTER TABLE: of the part of it that the rule is about."""
        table = _of(node.relation)
        if rule in {VALID, FOREIGN, VOLATILE, *KEYS}:
            return any(
                self._is_moot_as(each, node, rule)
                for each in below(node)
                if _is(each, ast.Constraint)
                and each.contype != ConstrType.CONSTR_DEFAULT
                and place[0] <= (each.location or 0) < place[1]
            )
        subtype, known = {
            "adding-not-nullable-field": (Alter.AT_SetNotNull, self.proven),
            "ban-drop-constraint": (Alter.AT_DropConstraint, self.required),
        }.get(rule, (None, set()))
        some = [each.name for each in node.cmds if each.subtype == subtype]
        if rule == "ban-drop-constraint":  # what NOT NULL says as well
            some = [self.checks.get((table, each), "") for each in some]
        return (
            (bool(some) and {(table, each) for each in some} <= known)
            or (rule == "ban-alter-identity" and not any(map(_names_no_more, node.cmds)))
            or (rule == "require-concurrent-partition-detach" and table in self.with_default)
        )

    def _is_moot_as(self, constraint: Node, node: Node, rule: str) -> bool:
        """Return the same of a constraint."""
        kind, of_partitions = constraint.contype, _of(node.relation) in self.partitioned
        if rule == VOLATILE:  # which is computed when it is read
            return bool(constraint.generated_kind == "v")
        if kind == ConstrType.CONSTR_FOREIGN:
            no_way = of_partitions and self.major < FOREIGN_KEYS_OF_PARTITIONED
            return (
                rule == VALID or constraint.skip_validation or no_way or _is_null(node, constraint)
            )
        if kind in UNIQUE and not constraint.without_overlaps:
            return rule == VALID or (of_partitions and not node.relation.inh)
        # No index can be taken for an exclusion.
        return constraint.skip_validation or kind in {*UNIQUE, ConstrType.CONSTR_EXCLUSION}

    def _subjects(self, node: Node) -> Iterator[Name]:
        """Yield what a statement changes, drops or indexes."""
        if _is(node, ast.DropStmt):
            indexes = node.removeType == ObjectType.OBJECT_INDEX
            for name in _named(node):
                yield self.indexes.get((name[0] or PUBLIC, name[1]), name) if indexes else name
        elif _is(node, ast.AlterDomainStmt, ast.AlterEnumStmt):
            yield _parts(node.typeName)
        elif _is(node, ast.TruncateStmt):
            yield from (_called(each) for each in node.relations)
        elif isinstance(getattr(node, "relation", None), ast.RangeVar):
            name = _called(node.relation)
            yield self.indexes.get((name[0] or PUBLIC, name[1]), name)


def _is(node: Node, *kinds: type) -> bool:
    """Return whether a node is of some kind; of its fields, that says nothing."""
    return isinstance(node, kinds)


def _is_null(node: Node, key: Node) -> bool:
    """Return whether a foreign key is of a new column that no row has a value in."""
    for command in node.cmds:
        column = command.def_
        if _is(column, ast.ColumnDef) and key in (column.constraints or ()):
            kinds = {each.contype for each in column.constraints}
            return not kinds & {*COMPUTED} and "serial" not in last(column.typeName.names)
    return False


def _names_no_more(command: Node) -> bool:
    """Return whether a column may not be given a value any more, since it is its own."""
    if command.subtype == Alter.AT_AddIdentity:
        return bool(command.def_.generated_when == "a")
    return command.subtype == Alter.AT_SetIdentity and any(
        each.defname == "generated" and each.arg.ival == ord("a") for each in command.def_
    )


def _required(constraint: Node) -> str:
    """Return the column of which a check, or a constraint, says that it is not null."""
    said = constraint.raw_expr
    if isinstance(said, ast.NullTest) and said.nulltesttype == NullTestType.IS_NOT_NULL:
        fields = getattr(said.arg, "fields", None)
        return last(fields) if fields else ""
    return last(constraint.keys) if constraint.contype == ConstrType.CONSTR_NOTNULL else ""


def _made_by(node: Node) -> Iterator[Name]:
    """Yield what a statement makes."""
    if _is(node, ast.CreateFunctionStmt):
        yield _or_public(_parts(node.funcname))
    elif _is(node, ast.CreateDomainStmt):
        yield _or_public(_parts(node.domainname))
    elif _is(node, ast.CreateEnumStmt, ast.CreateRangeStmt):
        yield _or_public(_parts(node.typeName))
    elif _is(node, ast.CreateSchemaStmt):
        yield SCHEMA, node.schemaname
    else:
        parts = {
            ast.CreateStmt: "relation",
            ast.ViewStmt: "view",
            ast.CreateSeqStmt: "sequence",
            ast.CompositeTypeStmt: "typevar",
        }
        relation = getattr(node, parts.get(type(node), ""), None)
        if _is(node, ast.CreateTableAsStmt, ast.SelectStmt):
            into = getattr(node, "into", None) or getattr(node, "intoClause", None)
            relation = into and into.rel
        if relation:
            yield _of(relation)


def _named(node: Node) -> Iterator[Name]:
    """Yield what a statement drops."""
    for each in node.objects:
        if node.removeType == ObjectType.OBJECT_SCHEMA:
            yield SCHEMA, each.sval
        else:
            names = getattr(each, "objname", None) or getattr(each, "names", None) or each
            is_name = isinstance(names, tuple) and all(_is(part, ast.String) for part in names)
            yield _parts(names) if is_name else (SCHEMA, "")


def _of(relation: Node) -> Name:
    """Return the relation that a name makes, or is taken to be."""
    temporary = relation.relpersistence == "t"
    return (TEMPORARY if temporary else relation.schemaname or PUBLIC), relation.relname


def _called(relation: Node) -> Name:
    return relation.schemaname or "", relation.relname


def _parts(names: Any) -> Name:
    return ("" if len(names) == 1 else names[-2].sval), last(names)


def _or_public(name: Name) -> Name:
    return name[0] or PUBLIC, name[1]
