"""The style of the SQL that its linters do not keep: names of rules, RAISE, ON DELETE, functions.

Each check takes migrations by their paths and yields ``path:line: reason``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pglast
import pytest
from pglast import ast

from conformance.engine.deployment.migrations import load
from conformance.engine.deployment.statements import Statement, statements
from conformance.engine.sql.tree import below

MIGRATIONS = Path(__file__).parents[2] / "migrations"

LONGEST_LINE = 100
LONGEST_NAME = 58  # bytes, so that a name with its band still fits into PostgreSQL's 63

# The families of the domain's rules; perm, own and privacy are what the project adds.
FAMILIES = r"inv_[a-z]+\d+|(card|urn|role|seq|imm|del|ret|perm|own|privacy)_\d+|state_[a-z]+"
RULE = re.compile(rf"({FAMILIES})__[a-z0-9_]+")
BAND = re.compile(r"_([1-9])00_")
REJECTING = ("3", "7")
# What has constraints, and its name.
OWNERS: Mapping[Any, Callable[[Any], str]] = {
    ast.CreateStmt: lambda node: str(node.relation.relname),
    ast.AlterTableStmt: lambda node: str(node.relation.relname),
    ast.CreateDomainStmt: lambda node: str(node.domainname[-1].sval),
}
NAMED = frozenset({"CONSTR_CHECK", "CONSTR_UNIQUE", "CONSTR_FOREIGN", "CONSTR_EXCLUSION"})
ERROR = 21  # RAISE EXCEPTION, as PL/pgSQL numbers its levels
HELPER = "framecast.reject"

Sources = Mapping[str, str]
Check = Callable[[Sources], Iterator[str]]


def check_lines(sources: Sources) -> Iterator[str]:
    """Lines fit on a page and are indented with spaces."""
    for path, sql in sources.items():
        for number, line in enumerate(sql.split("\n"), start=1):
            if len(line) > LONGEST_LINE:
                yield f"{path}:{number}: the line has {len(line)} columns, over {LONGEST_LINE}"
            if "\t" in line:
                yield f"{path}:{number}: holds a tab"


def check_constraint_names(sources: Sources) -> Iterator[str]:
    """A constraint is named, after its rule or by what it asks of its table or domain."""
    for path, sql in sources.items():
        for statement in statements(sql):
            (root,) = pglast.parse_sql(statement.text)
            called = OWNERS.get(type(root.stmt))
            if called:
                for node in filter(_is_constraint, below(root)):
                    place = f"{path}:{_line(statement, node)}"
                    yield from _check_constraint(place, called(root.stmt), node)


def check_index_names(sources: Sources) -> Iterator[str]:
    """An index is named after its rule; any other looks as if PostgreSQL had named it."""
    for place, node in _nodes(sources, ast.IndexStmt):
        usual = re.compile(rf"{node.relation.relname}_[a-z0-9_]+_idx")
        if node.idxname and not usual.fullmatch(node.idxname):
            yield from _check_rule(place, f"index {node.idxname}", node.idxname)


def check_trigger_names(sources: Sources) -> Iterator[str]:
    """A trigger begins with its band; one that rejects goes on with its rule."""
    for place, node in _nodes(sources, ast.CreateTrigStmt):
        band = BAND.match(node.trigname)
        if not band:
            yield f"{place}: trigger {node.trigname} does not begin with a band, such as _300_"
        elif band[1] in REJECTING or "__" in node.trigname:
            name = node.trigname[band.end() :]
            yield from _check_rule(place, f"trigger {node.trigname}", name)


def check_foreign_keys(sources: Sources) -> Iterator[str]:
    """Every foreign key says what happens when its parent is deleted."""
    for path, sql in sources.items():
        for statement in statements(sql):
            for line in _silent_references(statement):
                yield f"{path}:{line}: REFERENCES without ON DELETE"


def check_raises(sources: Sources) -> Iterator[str]:
    """One helper rejects, and nothing else raises an error."""
    found = []
    for place, node, statement in _functions(sources):
        if _language(node) == "plpgsql":
            body = pglast.parse_plpgsql(statement.text)
            found += [(place, _name(node)) for _ in range(_raises(body))]
    yield from (f"{place}: {name} raises: call {HELPER}" for place, name in found if name != HELPER)
    helpers = [place for place, name in found if name == HELPER]
    if len(helpers) != 1:
        place = (helpers or [f"{next(iter(sources), '')}:1"])[-1]
        yield f"{place}: {HELPER} has {len(helpers)} statements RAISE EXCEPTION, not one"


def check_volatility(sources: Sources) -> Iterator[str]:
    """A function says whether it is immutable, stable or volatile."""
    for place, node, _ in _functions(sources):
        if not node.is_procedure and "volatility" not in _options(node):
            yield f"{place}: {_name(node)} states no volatility"


def check_search_path(sources: Sources) -> Iterator[str]:
    """A function finds the same objects, whoever calls it."""
    for place, node, _ in _functions(sources):
        settings = [option.arg.name for option in node.options or () if option.defname == "set"]
        if not node.sql_body and "search_path" not in settings:
            yield f"{place}: {_name(node)} neither pins search_path nor has a SQL-standard body"


CHECKS: tuple[Check, ...] = (
    check_lines,
    check_constraint_names,
    check_index_names,
    check_trigger_names,
    check_foreign_keys,
    check_raises,
    check_volatility,
    check_search_path,
)


@pytest.mark.parametrize("check", CHECKS)
def test_migrations_keep_the_style(check: Check) -> None:
    """Every migration of the project keeps each rule of style."""
    sources = {f"migrations/{file.name}": file.sql for file in load(MIGRATIONS)}

    assert "migrations/001_initial_schema.sql" in sources
    _expect_none(check(sources))


TABLE = "CREATE TABLE a (b int,\n {})"
FUNCTION = "\nCREATE FUNCTION a.f() RETURNS void {}"
TRIGGER = "CREATE TRIGGER {} BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()"
BODY = "LANGUAGE plpgsql AS $$BEGIN {} END$$"

BAD: tuple[tuple[Check, str, str], ...] = (
    (check_lines, "\n" + "-" * 101, "a.sql:2: the line has 101 columns"),
    (check_lines, "--\n\tSELECT 1", "a.sql:2: holds a tab"),
    (check_constraint_names, TABLE.format("CONSTRAINT positive CHECK (b > 0)"), "a.sql:2: constr"),
    (check_constraint_names, TABLE.format("c int CONSTRAINT inv_t1_x NOT NULL"), "a.sql:2: constr"),
    (check_constraint_names, TABLE.format("CONSTRAINT inv_t99__Ü UNIQUE (b)"), "a.sql:2: constr"),
    (
        check_constraint_names,
        "\nALTER TABLE a ADD CONSTRAINT inv_t1__" + "x" * 51 + " CHECK (b > 0)",
        "a.sql:2: constraint inv_t1__" + "x" * 51 + " has 59 bytes, over 58",
    ),
    (
        check_constraint_names,
        "CREATE DOMAIN d AS text\nCONSTRAINT ok CHECK (value <> '')",
        "a.sql:2: constraint ok is not named after a rule",
    ),
    (check_constraint_names, TABLE.format("CHECK (b > 0)"), "a.sql:2: a constraint of a has no"),
    (check_constraint_names, TABLE.format("c int UNIQUE"), "a.sql:2: a constraint of a has no"),
    (
        check_constraint_names,
        "CREATE DOMAIN d AS text CHECK (value <> '')",
        "a.sql:1: a constraint of d has no name",
    ),
    (
        check_constraint_names,
        TABLE.format("CONSTRAINT a_" + "x" * 57 + " CHECK (b > 0)"),
        "a.sql:2: constraint a_" + "x" * 57 + " has 59 bytes, over 58",
    ),
    (check_index_names, "\nCREATE INDEX jobs_by_status ON a (b)", "a.sql:2: index jobs_by_status"),
    (check_trigger_names, TRIGGER.format("keep_updated_at"), "a.sql:1: trigger keep_updated_at"),
    (check_trigger_names, TRIGGER.format("_300_owner"), "a.sql:1: trigger _300_owner is not"),
    (check_trigger_names, TRIGGER.format("_700_inv_t2_owner"), "a.sql:1: trigger _700_inv_t2_"),
    (check_trigger_names, TRIGGER.format("_500_inv_tt__x"), "a.sql:1: trigger _500_inv_tt__x is"),
    (check_foreign_keys, TABLE.format("c int REFERENCES d"), "a.sql:2: REFERENCES without"),
    (
        check_foreign_keys,
        TABLE.format("c int REFERENCES d (e, f),\n g int REFERENCES d ON DELETE CASCADE"),
        "a.sql:2: REFERENCES without",
    ),
    (
        check_foreign_keys,
        "ALTER TABLE a ADD FOREIGN KEY (b)\nREFERENCES c ON UPDATE CASCADE",
        "a.sql:2: REFERENCES without",
    ),
    (check_raises, FUNCTION.format(BODY.format("RAISE EXCEPTION 'no';")), "a.sql:2: a.f raises"),
    (check_raises, FUNCTION.format(BODY.format("RAISE sqlstate '23000';")), "a.sql:2: a.f raises"),
    (
        check_raises,
        FUNCTION.format(BODY.format("IF now() IS NULL THEN RAISE 'no'; END IF;")),
        "a.sql:2: a.f raises",
    ),
    (check_raises, "SELECT 1", "a.sql:1: framecast.reject has 0 statements"),
    (
        check_raises,
        "CREATE FUNCTION framecast.reject() RETURNS void "
        + BODY.format("RAISE EXCEPTION 'a'; RAISE EXCEPTION 'b';"),
        "a.sql:1: framecast.reject has 2 statements",
    ),
    (check_volatility, FUNCTION.format("LANGUAGE sql RETURN 1"), "a.sql:2: a.f states no vol"),
    (check_search_path, FUNCTION.format("LANGUAGE sql AS 'SELECT 1'"), "a.sql:2: a.f neither"),
    (
        check_search_path,
        FUNCTION.format("SET work_mem = '1MB' " + BODY.format("NULL;")),
        "a.sql:2: a.f neither",
    ),
)

GOOD = """
CREATE TABLE public.a (
    b int CONSTRAINT a_d_exists REFERENCES public.d (e) ON UPDATE CASCADE ON DELETE SET NULL,
    c int NOT NULL PRIMARY KEY,
    CONSTRAINT a_not_one CHECK (b <> 1),
    CONSTRAINT inv_j10__a_positive CHECK (b > 0),
    CONSTRAINT inv_j10__{longest} CHECK (b > 0),
    CONSTRAINT state_job__a_known FOREIGN KEY (b, c)
    REFERENCES public.d (e, f) MATCH FULL
    ON DELETE NO ACTION
);
CREATE INDEX ON public.a (b);
CREATE INDEX a_waiting_idx ON public.a (b) WHERE b > 0;
CREATE UNIQUE INDEX card_6__a_one_active ON public.a (b) WHERE b > 0;
CREATE TRIGGER _100_slug BEFORE INSERT ON public.a FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER _300_inv_us4__a_fixed BEFORE UPDATE ON public.a FOR EACH ROW EXECUTE FUNCTION f();
CREATE FUNCTION framecast.one() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1;
CREATE FUNCTION framecast.reject() RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE NOTICE 'about to';
    RAISE EXCEPTION 'no';
END;
$$;
GRANT REFERENCES ON public.a TO public;
""".replace("{longest}", "x" * 49)


@pytest.mark.parametrize(("check", "planted", "finding"), BAD)
def test_a_planted_fault_is_reported(check: Check, planted: str, finding: str) -> None:
    """Each check reports the fault that it is there for, by path, line and reason."""
    found = list(check({"a.sql": planted}))

    assert any(line.startswith(finding) for line in found), found


@pytest.mark.parametrize("check", CHECKS)
def test_good_style_is_not_reported(check: Check) -> None:
    """No check reports what is as it should be."""
    _expect_none(check({"a.sql": GOOD}))


def _expect_none(findings: Iterator[str]) -> None:
    if found := list(findings):
        pytest.fail("\n".join(found), pytrace=False)


def _is_constraint(node: object) -> bool:
    return isinstance(node, ast.Constraint)


def _line(statement: Statement, node: Any) -> int:
    """Return the line that a node stands in."""
    before = statement.text.count("\n", 0, getattr(node, "location", None) or 0)
    return int(statement.line + before)


def _check_constraint(place: str, owner: str, node: Any) -> Iterator[str]:
    name = node.conname
    if not name:
        if node.contype.name in NAMED:
            yield f"{place}: a constraint of {owner} has no name"
    elif "__" in name or not name.startswith(f"{owner}_"):
        yield from _check_rule(place, f"constraint {name}", name)
    elif len(name.encode()) > LONGEST_NAME:
        yield f"{place}: constraint {name} has {len(name.encode())} bytes, over {LONGEST_NAME}"


def _check_rule(place: str, what: str, name: str) -> Iterator[str]:
    if not RULE.fullmatch(name):
        yield f"{place}: {what} is not named after a rule: <rule>__<table>_<claim>"
    elif len(name.encode()) > LONGEST_NAME:
        yield f"{place}: {what} has {len(name.encode())} bytes, over {LONGEST_NAME}"


def _nodes(sources: Sources, kind: type[ast.Node]) -> Iterator[tuple[str, Any]]:
    """Find all nodes of a kind, each with its path and line."""
    for path, sql in sources.items():
        for statement in statements(sql):
            found = [
                node
                for root in pglast.parse_sql(statement.text)
                for node in below(root)
                if isinstance(node, kind)
            ]
            for node in found:
                yield f"{path}:{_line(statement, node)}", node


def _functions(sources: Sources) -> Iterator[tuple[str, Any, Statement]]:
    for path, sql in sources.items():
        for statement in statements(sql):
            node = pglast.parse_sql(statement.text)[0].stmt
            if isinstance(node, ast.CreateFunctionStmt):
                yield f"{path}:{statement.line}", node, statement


def _silent_references(statement: Statement) -> Iterator[int]:
    """Find the lines of REFERENCES clauses that end before they say ON DELETE."""
    tokens = pglast.parser.scan(statement.text)
    if tokens[0].name in ("GRANT", "REVOKE"):
        return
    for index, token in enumerate(tokens):
        if token.name != "REFERENCES":
            continue
        depth = 0
        said = False
        for here, following in zip(tokens[index:], tokens[index + 1 :], strict=False):
            depth += (here.name == "ASCII_40") - (here.name == "ASCII_41")
            said = said or (here.name, following.name) == ("ON", "DELETE_P")
            if depth < 0 or (depth == 0 and here.name == "ASCII_44"):
                break
        if not said:
            yield statement.line + statement.text.count("\n", 0, token.start)


def _raises(node: object) -> int:
    """Count the RAISE statements of level EXCEPTION in a PL/pgSQL syntax tree."""
    if isinstance(node, list):
        return sum(map(_raises, node))
    if not isinstance(node, dict):
        return 0
    here = node.get("PLpgSQL_stmt_raise", {})
    new = here.get("elog_level") == ERROR and here.keys() & {"message", "condname", "options"}
    return bool(new) + sum(map(_raises, node.values()))


def _name(node: Any) -> str:
    return ".".join(part.sval for part in node.funcname)


def _options(node: Any) -> dict[str, Any]:
    return {option.defname: option.arg for option in node.options or ()}


def _language(node: Any) -> str:
    return str(_options(node)["language"].sval)
