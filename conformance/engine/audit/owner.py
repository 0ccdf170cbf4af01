"""Rights of the role that is to migrate a database in use: the owner of its tables, or another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.engine.domain.chosen import conventions, domain

if TYPE_CHECKING:
    import psycopg

# The owner of most tables; of several that own as many, one.
OWNER = """
SELECT relowner FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN OUR SCHEMAS AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
GROUP BY relowner ORDER BY count(*) DESC, relowner LIMIT 1
"""
FACTS = """
    SELECT r.rolname::text, r.rolsuper, r.rolcreaterole, r.rolbypassrls,
        has_database_privilege(r.oid, current_database(), 'CREATE'),
        has_schema_privilege(r.oid, 'public', 'CREATE'),
        coalesce(pg_has_role(r.oid, a.oid, 'MEMBER'), false),
        coalesce(pg_has_role(r.oid, a.oid, 'MEMBER WITH ADMIN OPTION'), false),
        EXISTS (
            SELECT FROM pg_roles AS p
            WHERE p.rolname = ANY (%(providers)s) AND pg_has_role(r.oid, p.oid, 'MEMBER')
        ),
        EXISTS (
            SELECT FROM pg_database AS d
            WHERE d.datname = current_database() AND pg_has_role(r.oid, d.datdba, 'USAGE')
        )
      FROM pg_roles AS r LEFT JOIN pg_roles AS a ON a.rolname = %(application)s
     WHERE r.rolname = %(name)s
"""
# Whose members may do on a managed server some of what superusers do elsewhere.
PROVIDERS = ("rds_superuser", "cloudsqlsuperuser", "alloydbsuperuser", "azure_pg_admin")
BY_OID = "SELECT pg_get_userbyid(%s)"


@dataclass(frozen=True, slots=True)
class Owner:
    """Rights of a role on a server and in a database.

    Attributes:
        name: the role's.
        superuser, creates_roles, bypasses_policies: its attributes.
        creates_schemas: whether it may create schemas in the database.
        creates_in_public: whether it may create tables in `public`.
        member, administers: whether it is in the application's role, and may let others in.
        managed: whether a provider's role lets it make extensions, which else a superuser makes.
        owns_database: whether it may change the database's own settings.
    """

    name: str
    superuser: bool
    creates_roles: bool
    bypasses_policies: bool
    creates_schemas: bool
    creates_in_public: bool
    member: bool
    administers: bool
    managed: bool = False
    owns_database: bool = False


def owner_of(conn: psycopg.Connection[Any], name: str | None) -> Owner | None:
    """Return the rights of a role, or of the owner of most tables; None where there is no such."""
    if name is None:
        owner = conn.execute(conventions().placed(OWNER).encode()).fetchone()
        if owner is None:
            return None
        (name,) = conn.execute(BY_OID, owner).fetchall()[0]
    facts = conn.execute(
        FACTS, {"name": name, "application": domain().application, "providers": list(PROVIDERS)}
    ).fetchone()
    return Owner(*facts) if facts else None
