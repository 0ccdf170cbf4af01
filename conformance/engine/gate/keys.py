"""The primary key of a table, as text, for rows that are called `t`."""

KEY = """
SELECT string_agg(format('t.%%I::text', a.attname), ' || '', '' || ' ORDER BY a.attnum)
FROM pg_index AS x JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
WHERE x.indrelid = to_regclass(%s) AND x.indisprimary
"""
