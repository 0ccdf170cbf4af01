"""Taking back what was written since a copy was made, row by row.

To bring back a copy of fifty rows takes time, and most of them are as they were. The change log has
noted which are not; what it does not watch is compared with the copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FUNCTION = """
CREATE FUNCTION conformance.undo_{name}() RETURNS void LANGUAGE plpgsql AS $undo$
DECLARE
    v_table text;
    v_whole boolean;
BEGIN
    FOR v_table, v_whole IN
        SELECT c.tbl, bool_or(c.op = 'TRUNCATE' OR c.old ->> 'id' <> c.new ->> 'id')
        FROM conformance.changes AS c WHERE c.seq > {kept} GROUP BY c.tbl
    LOOP
        {cases}
    END LOOP;
    {compared}
    DELETE FROM conformance.changes WHERE seq > {kept};
END;
$undo$
"""
CASE = """
        IF v_table = '{table}' THEN
            IF v_whole IS TRUE OR NOT {by_id} THEN
                DELETE FROM public.{table};
                INSERT INTO public.{table} ({columns}) OVERRIDING SYSTEM VALUE
                SELECT {columns} FROM conformance.{copy};
            ELSE
                {rows}
            END IF;
        END IF;
"""
ROWS = """
                DELETE FROM public.{table} WHERE id::text IN (
                    SELECT coalesce(c.new, c.old) ->> 'id' FROM conformance.changes AS c
                    WHERE c.seq > {kept} AND c.tbl = '{table}'
                );
                INSERT INTO public.{table} ({columns}) OVERRIDING SYSTEM VALUE
                SELECT {columns} FROM conformance.{copy} WHERE id::text IN (
                    SELECT c.old ->> 'id' FROM conformance.changes AS c
                    WHERE c.seq > {kept} AND c.tbl = '{table}' AND c.op <> 'INSERT'
                );
"""
# What was empty has no copy.
EMPTY = """
        IF v_table = '{table}' THEN
            DELETE FROM public.{table};
        END IF;
"""
COMPARED = """
    DELETE FROM {table} AS t WHERE NOT EXISTS (
        SELECT FROM conformance.{copy} AS c WHERE ({of_c}) = ({of_t})
    );
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
    SELECT {columns} FROM conformance.{copy} AS c WHERE NOT EXISTS (
        SELECT FROM {table} AS t WHERE ({of_t}) = ({of_c})
    );
"""


def function(name: str, kept: int, columns: Mapping[str, str], copies: Mapping[str, str]) -> str:
    """Return what creates `conformance.undo_<name>()`, which brings a copy back.

    Args:
        name: of the copy.
        kept: the last change that the copy has seen.
        columns: by table, with its schema, the columns that can be written.
        copies: by table that had any rows, the name of the table in `conformance` that has them.
    """
    cases: list[str] = []
    compared: list[str] = []
    for table, names in columns.items():
        short = table.removeprefix("public.")
        filled = {"columns": names, "copy": copies.get(table), "kept": kept}
        if table not in copies:
            if short != table:
                cases.append(EMPTY.format(table=short))
            else:
                compared.append(f"DELETE FROM {table};")
        elif short != table:
            by_id = "id" in _split(names)
            rows = ROWS.format(table=short, **filled) if by_id else "NULL;"
            cases.append(CASE.format(table=short, by_id=str(by_id).lower(), rows=rows, **filled))
        else:
            of_c, of_t = (", ".join(f"{row}.{each}" for each in _split(names)) for row in "ct")
            compared.append(COMPARED.format(table=table, of_c=of_c, of_t=of_t, **filled))
    return FUNCTION.format(name=name, kept=kept, cases="".join(cases), compared="".join(compared))


def _split(names: str) -> Iterable[str]:
    return [each.strip() for each in names.split(",")]
