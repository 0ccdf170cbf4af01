"""A trial of the pending files without data: whether they run, as whom, and what changes.

It costs little, and comes before all that takes minutes.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conformance.engine.audit.description import describe
from conformance.engine.audit.enforcement import folder_of
from conformance.engine.audit.findings import Fault
from conformance.engine.deployment import migrations, outside, stand_ins
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.domain.chosen import domain
from conformance.engine.gate import branches, locks, powers
from conformance.engine.gate.nothing import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.owner import Owner
    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.files import Files
    from conformance.engine.gate.locks import Held
    from conformance.engine.postgres.scratch import Database, Scratch, Template

MEND = "mend the file: it cannot be applied even where there are no data"
# What of a database belongs to a role, each with the statement that gives it to another.
OWNED = """
SELECT format('ALTER %s %s OWNER TO %%I', CASE c.relkind WHEN 'v' THEN 'VIEW'
        WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
    c.oid::regclass)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema$)' AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND (d.deptype = 'e' OR (c.relkind = 'S' AND d.deptype IN ('a', 'i')))
    )
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO %%I', p.oid::regprocedure)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^(pg_|information_schema$)' AND p.prokind <> 'a' AND NOT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
)
UNION ALL
SELECT format('ALTER %s %s OWNER TO %%I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,
    t.oid::regtype)
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE n.nspname !~ '^(pg_|information_schema$)' AND t.typtype IN ('e', 'd', 'r') AND NOT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
)
UNION ALL
SELECT format('ALTER SCHEMA %I OWNER TO %%I', n.nspname) FROM pg_namespace AS n
WHERE n.nspname !~ '^(pg_|information_schema$|public$)'
"""


@dataclass
class Trial:
    """Result of applying the pending files.

    Attributes:
        steps: what the schema is before the first of them, and after each.
        fault: the first that cannot be applied at all, or None.
        denied: the first that the role which migrates may not apply, or None.
        notes: what was not tried.
        locks: what each file locks that was there, by the file's name.
        absent: what each file would have dropped IF it EXISTED, as the server says it.
        otherwise: what each file changes where conditions of its blocks are otherwise, in words.
    """

    steps: list[Description] = field(default_factory=list)
    fault: Fault | None = None
    denied: Fault | None = None
    notes: list[str] = field(default_factory=list)
    locks: dict[str, list[Held]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    otherwise: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def tried(scratch: Scratch, files: Files, owner: Owner | None) -> Trial:
    """Apply what is pending to the schema as it is, without data, as a superuser and as its owner.

    Raises:
        MigrationError: the schema as it is cannot be installed, or the server was built without
            what a file needs.
    """
    trial = Trial()
    if not files.pending:
        return trial
    with folder_of(files.applied or [NOTHING]) as folder:
        template = scratch.template(folder)
    with scratch.lent(template, files.text, "without_data") as database, database.connect() as conn:
        trial.steps.append(_described(conn, files.text))
        said: list[str] = []
        conn.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        for file in files.pending:
            said.clear()
            trial.fault = _applied(conn, file, trial.locks)
            trial.absent[file.name] = "\n".join(said)
            if trial.fault is not None:
                return trial
            trial.steps.append(_described(conn, files.text))
    for number, file in enumerate(files.pending):
        trial.otherwise[file.name] = [*branches.asking(file)]
        for variant in branches.variants(file):
            earlier = files.pending[:number]
            after = _with_variant(scratch, template, files, (*earlier, variant))
            told = branches.differing(file, trial.steps[number : number + 2], after)
            trial.otherwise[file.name].extend(told)
    if owner is None or owner.superuser:
        return trial
    if not scratch.server.superuser:
        trial.notes.append(
            "not tried with the rights of the target's owner: the scratch server's "
            "role may not make such a role"
        )
        return trial
    extensions = stand_ins.extensions(files.pending) if owner.managed else []
    trial.notes += [
        f"whether {owner.name} may make the extension {name} is its provider's to say"
        for name in extensions
    ]
    with _owned(scratch, template, owner, files.text, extensions) as conn:
        for file in files.pending:
            fault = _applied(conn, stand_ins.without_extensions(file, extensions))
            if fault is not None:
                what = f"cannot be applied with the rights of {owner.name}: {fault.what}"
                remedy = (
                    "let the file do with these rights, or migrate as another role, and name it: "
                    "--migrates-as"
                )
                trial.denied = Fault(fault.about, what, remedy, fault.keys, fault.count)
                return trial
    trial.notes.append(f"tried with the rights of {owner.name}, too")
    return trial


def _with_variant(
    scratch: Scratch, template: Template, files: Files, some: Sequence[Migration]
) -> Description:
    """Return what the schema is after some files; nothing where they cannot be applied."""
    with scratch.lent(template, files.text, "otherwise") as database, database.connect() as conn:
        fails = any(_applied(conn, file) is not None for file in some)
        return {} if fails else _described(conn, files.text)


def _described(conn: Connection, text: str) -> Description:
    with conn.transaction():
        return {**powers.describe(conn, text), **describe(conn)}


def _applied(
    conn: Connection, file: Migration, found: dict[str, list[Held]] | None = None
) -> Fault | None:
    """Run a file, and note its locks; return what goes wrong."""
    try:
        if found is None or outside.says_so(file):
            migrations.install(conn, [file])
            if found is not None:
                found[file.name] = locks.outside(conn, file)
        else:
            before = locks.places(conn)
            with migrations.transaction(conn, file):
                begun = time.monotonic()
                migrations.run(conn, file)
                found[file.name] = locks.held(conn, file, before, time.monotonic() - begun)
    except MigrationError as error:
        if migrations.LACKS.search(str(error)):  # which another server may have
            raise
        head, *below = str(error).splitlines()
        place, _, what = head.removeprefix(f"{file.path.parent}{os.sep}").partition(": ")
        lines = tuple(line.strip() for line in below)
        return Fault(place, what, MEND, lines, len(lines))
    return None


@contextmanager
def _owned(
    scratch: Scratch, template: Template, owner: Owner, text: str, extensions: Sequence[str]
) -> Iterator[Connection]:
    """Lend a copy that belongs to a role with the rights of another, as that role."""
    role = sql.Identifier(name := f"framecast_conformance_{scratch.token}_owner")
    with scratch.lent(template, text, "owned") as database, database.connect() as admin:
        attributes = sql.SQL(" ").join(
            sql.SQL(word if given else f"NO{word}")
            for word, given in (
                ("CREATEROLE", owner.creates_roles),
                ("BYPASSRLS", owner.bypasses_policies),
            )
        )
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(role, attributes))
        try:
            _give(admin, database, role, owner)
            for extension in scratch.extensions() & set(extensions):
                made = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} CASCADE")
                admin.execute(made.format(sql.Identifier(extension)))
            with _acting(database, name) as conn:
                yield conn
        finally:
            admin.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
            admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
            admin.execute(sql.SQL("DROP ROLE {}").format(role))


def _give(admin: Connection, database: Database, role: sql.Identifier, owner: Owner) -> None:
    """Give a role what the owner of the target has, in a copy of its schema."""
    for (statement,) in admin.execute(OWNED).fetchall():
        admin.execute(sql.SQL(statement.replace("%I", "{}")).format(role))
    # Files may give to the owner what they make.
    if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (owner.name,)).rowcount:
        named = sql.Identifier(owner.name)
        admin.execute(sql.SQL("GRANT {} TO {}").format(named, role))
        if owner.creates_in_public:
            admin.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(named))
    place = sql.Identifier(database.name)
    if owner.owns_database:
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(place, role))
    if owner.creates_schemas:
        admin.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(place, role))
    if owner.creates_in_public:
        admin.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
    exists = admin.execute(
        "SELECT FROM pg_roles WHERE rolname = %s", (domain().application,)
    ).rowcount
    if owner.member and exists:
        option = sql.SQL("WITH ADMIN OPTION" if owner.administers else "")
        admin.execute(
            sql.SQL("GRANT {} TO {} {}").format(sql.Identifier(domain().application), role, option)
        )


def _acting(database: Database, role: str) -> Connection:
    """Connect as a role that RESET ROLE leads back to."""
    given = str(conninfo_to_dict(database.conninfo).get("options") or "")
    conninfo = make_conninfo(database.conninfo, options=f"{given} -c role={role}".strip())
    return psycopg.connect(
        conninfo, autocommit=True, prepare_threshold=None, client_encoding="utf8"
    )
