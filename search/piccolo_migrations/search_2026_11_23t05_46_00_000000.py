"""Weighted text vectors with the Swedish and English configurations, and their indexes.

Each vector also holds the folded words (configuration `simple`): their beginnings are searched.

Locks: generated columns on an empty table; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:46:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "vectors"

FORWARDS = r"""
ALTER TABLE search_document ADD CONSTRAINT document_is_of_an_entry
    FOREIGN KEY (id) REFERENCES entry (id) ON DELETE CASCADE;
ALTER TABLE search_document ADD COLUMN vector_sv tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('swedish', title_sv || E'\n' || title_en), 'A')
    || setweight(to_tsvector('swedish', summary_sv), 'B')
    || setweight(to_tsvector('swedish', names), 'C')
    || setweight(to_tsvector('swedish', body_sv), 'D')
    || setweight(to_tsvector('simple', plain_title), 'A')
    || setweight(to_tsvector('simple', plain_summary), 'B')
    || setweight(to_tsvector('simple', plain), 'D')
) STORED;
ALTER TABLE search_document ADD COLUMN vector_en tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', title_en || E'\n' || title_sv), 'A')
    || setweight(to_tsvector('english', summary_en), 'B')
    || setweight(to_tsvector('english', names), 'C')
    || setweight(to_tsvector('english', body_en), 'D')
    || setweight(to_tsvector('simple', plain_title), 'A')
    || setweight(to_tsvector('simple', plain_summary), 'B')
    || setweight(to_tsvector('simple', plain), 'D')
) STORED;
CREATE INDEX search_document_vector_sv_index ON search_document USING gin (vector_sv);
CREATE INDEX search_document_vector_en_index ON search_document USING gin (vector_en);
"""

BACKWARDS = r"""
DROP INDEX search_document_vector_en_index;
DROP INDEX search_document_vector_sv_index;
ALTER TABLE search_document DROP COLUMN vector_en, DROP COLUMN vector_sv, DROP CONSTRAINT document_is_of_an_entry;
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
