"""What ranking and counting need, ready in columns of its own: a short vector, the values of filters, what orders.

Ranking looked into the vector of the whole text, several times for each entry that was found, and counting took the
values out of JSON; with many entries that took seconds.

Locks: search_document is written anew, which takes as long as its size demands; reading it waits meanwhile.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T22:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "ranking and counting"

FORWARDS = r"""
CREATE FUNCTION facet_values(facets jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(f.name || ':' || value ORDER BY f.name, value), '{}')
    FROM jsonb_each(facets) AS f (name, listed), jsonb_array_elements_text(f.listed) AS value
$$;
ALTER TABLE search_document
    ADD COLUMN heading tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title_words), 'A')
        || setweight(to_tsvector('simple', summary_words), 'B')
        || setweight(to_tsvector('simple', names_words), 'C')
    ) STORED,
    ADD COLUMN facet_values text[] GENERATED ALWAYS AS (facet_values(facets)) STORED,
    ADD COLUMN bookable boolean GENERATED ALWAYS AS ((shown->'bookable')::boolean) STORED,
    ADD COLUMN is_environment boolean GENERATED ALWAYS AS ((shown->'is_environment')::boolean) STORED,
    ADD COLUMN published_at bigint GENERATED ALWAYS AS ((shown->'published_at')::bigint) STORED,
    ADD COLUMN confirmed_at bigint GENERATED ALWAYS AS ((shown->'confirmed_at')::bigint) STORED;
"""

BACKWARDS = r"""
ALTER TABLE search_document DROP COLUMN heading, DROP COLUMN facet_values, DROP COLUMN bookable,
    DROP COLUMN is_environment, DROP COLUMN published_at, DROP COLUMN confirmed_at;
DROP FUNCTION facet_values(jsonb);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="search", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
