"""The weighted vector of the words of a document, already folded and in base form, and the indexes.

Locks: a generated column on an empty table; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T20:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "vector"

FORWARDS = r"""
ALTER TABLE search_document ADD COLUMN vector tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', title_words), 'A')
    || setweight(to_tsvector('simple', summary_words), 'B')
    || setweight(to_tsvector('simple', names_words), 'C')
    || setweight(to_tsvector('simple', near_words || ' ' || body_words), 'D')
) STORED;
CREATE INDEX search_document_vector_index ON search_document USING gin (vector);
CREATE INDEX search_document_indexed_at_index ON search_document (indexed_at);
ALTER TABLE search_word ADD CONSTRAINT counts_are_positive CHECK (public >= 0 AND staff >= 0);
"""

BACKWARDS = r"""
ALTER TABLE search_word DROP CONSTRAINT counts_are_positive;
DROP INDEX search_document_indexed_at_index;
DROP INDEX search_document_vector_index;
ALTER TABLE search_document DROP COLUMN vector;
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
