"""A new column that nothing reads changes no verdict; one that may be read is asked about."""

import pytest

from conformance.engine.gate.unread import is_unread

HEAD = "CREATE OR REPLACE FUNCTION public.f()\n RETURNS trigger\n LANGUAGE plpgsql\nAS $function$\n"


@pytest.mark.parametrize(
    ("kind", "text", "unread"),
    [
        ("function", "BEGIN RETURN NEW; END", True),
        ("function", "BEGIN RETURN coalesce(NEW, OLD); END", True),
        ("function", "BEGIN PERFORM FROM public.teams AS t WHERE t.id = NEW.id; END", True),
        ("function", "-- SELECT * of public.teams\nBEGIN RETURN NULL; END", True),
        ("function", "BEGIN RAISE 'a row of teams'; END", True),
        ("function", "BEGIN x := to_jsonb(NEW) ->> 'id'; END", True),
        ("function", "BEGIN x := to_jsonb(NEW) ->> 'motto'; END", False),
        ("function", "BEGIN x := to_jsonb(NEW); END", False),
        ("function", "BEGIN IF OLD IS DISTINCT FROM NEW THEN RETURN NULL; END IF; END", False),
        ("function", "BEGIN x := row(NEW.*); END", False),
        ("function", "BEGIN SELECT * INTO x FROM public.teams; END", False),
        ("function", "BEGIN SELECT t.* INTO x FROM public.teams AS t; END", False),
        ("function", "BEGIN SELECT m.* INTO x FROM public.teams AS t, bag AS m; END", True),
        ("function", "BEGIN SELECT to_jsonb(t) INTO x FROM public.teams t; END", False),
        ("function", "BEGIN SELECT id INTO x FROM public.teams NATURAL JOIN bag; END", False),
        ("function", "DECLARE v public.teams%ROWTYPE; BEGIN NULL; END", False),
        ("function", "DECLARE v public.teams; BEGIN NULL; END", False),
        ("function", "DECLARE motto text; BEGIN NULL; END", False),
        ("function", "BEGIN EXECUTE format('SELECT FROM %s', TG_RELID::regclass); END", True),
        ("function", "BEGIN EXECUTE format('SELECT * FROM %s', TG_RELID::regclass); END", False),
        ("function", "BEGIN EXECUTE v_sql; END", False),
        ("trigger", "WHEN (old.* IS DISTINCT FROM new.*)", False),
        ("trigger", "WHEN (old.name IS DISTINCT FROM new.name)", True),
        ("policy", "USING (to_jsonb(teams) ? 'x')", False),
        ("policy", "USING (teams.name = 'x')", True),
    ],
)
def test_what_reads_whole_rows_is_told(kind: str, text: str, unread: bool) -> None:
    """A guard that compares rows, SQL of all columns, and a name that was another's read it."""
    fires = "EXECUTE FUNCTION public.f()"
    before = {
        ("relation", "public.teams"): "table",
        ("column", "public.teams.id"): "uuid NOT NULL",
        ("trigger", "f on public.teams"): f"CREATE TRIGGER f BEFORE UPDATE ON public.teams {fires}",
        ("function", "public.f()"): HEAD,
    }
    if kind == "function":
        before["function", "public.f()"] += text
    else:
        before[kind, "other on public.teams"] = text

    assert unread == is_unread("public.teams.motto", "text", before)


@pytest.mark.parametrize(
    ("definition", "unread"),
    [
        ("text", True),
        ("numeric(10,2)", True),
        ("text NOT NULL", False),
        ("text DEFAULT 'x'::text", False),
        ("text STORED AS upper(name)", False),
        ("bigint NOT NULL IDENTITY ALWAYS", False),
        ("public.mood", False),
        ("", False),
    ],
)
def test_only_a_column_of_nulls_is_unread(definition: str, unread: bool) -> None:
    """Nothing fills it, and its type asks nothing of it."""
    assert unread == is_unread("public.teams.motto", definition, {})
    assert not is_unread("public.teams.motto", "text", {("column", "public.teams.motto"): "text"})
