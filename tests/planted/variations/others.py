"""Variations that add something, or choose what the domain leaves open."""

from typing import Final

from tests.planted.variations.variation import (
    Variation,
    on_table,
    writes,
)
from tests.support.rewriting import rewritten

OTHERS: Final = (
    Variation(
        "another schema's tables are there",
        writes("INV-U5", "OWN-1", "INV-J13"),
        """
        CREATE TABLE public.posts (
            id serial PRIMARY KEY, author uuid REFERENCES public.users (id) ON DELETE CASCADE
        );
        CREATE TABLE public.measures (at timestamptz NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE public.measures_1 PARTITION OF public.measures DEFAULT;
        CREATE VIEW public.active_users AS SELECT * FROM public.users;
        CREATE MATERIALIZED VIEW public.counts AS SELECT count(*) FROM public.jobs;
        CREATE SCHEMA billing;
        CREATE TABLE billing.users (id integer PRIMARY KEY, credits integer CHECK (credits > 0));
        CREATE TYPE public.mood AS ENUM ('good', 'bad');
        CREATE FUNCTION public.tg_posts() RETURNS trigger
        LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END; $$;
        CREATE TRIGGER posts BEFORE INSERT ON public.posts
        FOR EACH ROW EXECUTE FUNCTION public.tg_posts();
        """,
    ),
    Variation(
        "a table has a column more that may be given",
        writes("INV-T6", "INV-T3"),
        on_table("teams", "ADD COLUMN motto text"),
    ),
    Variation(
        "updated_at is now()",
        writes("AUTO-UPDATED", "INV-U5"),
        rewritten("tg__set_updated_at", "greatest(now(), OLD.updated_at)", "now()"),
    ),
    Variation(
        "the tables are owned by somebody who is no superuser",
        writes("INV-U5", "INV-J12", "INV-A4", "RET-1"),
        """
        DO $$
        DECLARE v_name text;
        BEGIN
            BEGIN
                CREATE ROLE framecast_conformance_owner;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
            GRANT USAGE, CREATE ON SCHEMA public, framecast TO framecast_conformance_owner;
            FOR v_name IN
                SELECT 'TABLE ' || oid::regclass FROM pg_class
                WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'framecast')
                UNION ALL
                SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc
                WHERE pronamespace::regnamespace::text IN ('public', 'framecast')
            LOOP
                EXECUTE format('ALTER %s OWNER TO framecast_conformance_owner', v_name);
            END LOOP;
        END;
        $$;
        """,
    ),
)
