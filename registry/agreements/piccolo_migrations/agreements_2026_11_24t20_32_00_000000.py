"""The index of the search inside agreements: passages with their vectors, kept in step by triggers.

A vector holds the words of Swedish, of English and, folded, as they are. Passages are short, so that no vector
comes near PostgreSQL's limit, positions in it are exact, and a match has a place. Passages overlap a little, so
that a phrase across a border is found. Titles, references and names of parties are short and are found through
indexes on their own tables.

Locks: agreement_version takes no new versions, and document no new files, while the texts that are there are
indexed (about a minute and a half for 10,000 agreements); the indexes on agreement, organisation and template take a second.
Documents that are there are read afterwards by the worker, see registry/agreements/extraction.py.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry import database
from registry.database import run_script

ID = "2026-11-24T20:32:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "search in agreements: index"
BATCH = 200

FORWARDS = r"""
-- Lower case without marks, one character for one, so that places in the text stay what they are. What joins
-- numbers and words parts them, so that a half of a reference is found as well.
CREATE FUNCTION fold_text(text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN translate(
    lower(text),
    'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿāăąćčďđēęěğīłńňōőœřśşšťţūůűźżž-‐‑–/_<>',
    'aaaaaaaceeeeiiiinoooooouuuuyaaaaaaaceeeeiiiinoooooouuuuyyaaaccddeeegilnnooorsssttuuuzzz        '
);

CREATE FUNCTION search_vector(text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN to_tsvector('swedish', text) || to_tsvector('english', text) || to_tsvector('simple', fold_text(text));

-- Pages are parted by form feeds, clauses begin with "## "; paragraphs stay apart by a dot, which is no word.
-- The characters taken out mark matches later.
CREATE FUNCTION passages_of(whole text) RETURNS TABLE (page integer, part text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    WITH word AS (
        SELECT p.number AS page, c.number AS clause, w.number AS place, w.text AS word,
               sum(length(w.text) + 1) OVER (PARTITION BY p.number, c.number ORDER BY w.number) AS ends
        FROM string_to_table(translate(whole, E'\r\t\u00a0\ue000\ue001', '   '), E'\f') WITH ORDINALITY AS p(text, number),
             regexp_split_to_table(p.text, '\n(?=## )') WITH ORDINALITY AS c(text, number),
             string_to_table(translate(regexp_replace(c.text, '\n\s*\n', ' · ', 'g'), E'\n', ' '), ' ')
             WITH ORDINALITY AS w(text, number)
        WHERE w.text <> '' AND w.text !~ '^#+$'
    )
    SELECT w.page::integer, btrim(string_agg(w.word, ' ' ORDER BY w.place), ' ·')
    FROM word w, LATERAL (VALUES (div(w.ends, 2000), true), (div(w.ends + 120, 2000), false)) AS p(passage, own)
    WHERE p.own OR p.passage <> div(w.ends, 2000)
    GROUP BY w.page, w.clause, p.passage HAVING bool_or(p.own)
    ORDER BY w.page, w.clause, p.passage
$$;

ALTER TABLE agreement_passage ADD COLUMN vector tsvector GENERATED ALWAYS AS (search_vector(text)) STORED;
CREATE INDEX agreement_passage_vector_index ON agreement_passage USING gin (vector);
CREATE INDEX agreement_passage_agreement_index ON agreement_passage (agreement);
CREATE INDEX agreement_passage_document_index ON agreement_passage (document);
CREATE INDEX agreement_head_index ON agreement USING gin (search_vector(title || ' ' || dnr));
CREATE INDEX organisation_names_index ON organisation USING gin (search_vector(name_sv || ' ' || name_en));
CREATE INDEX template_titles_index ON template USING gin (search_vector(title_sv || ' ' || title_en));
CREATE INDEX agreement_template_version_index ON agreement (template_version);

CREATE FUNCTION index_agreement_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM agreement_passage WHERE agreement = NEW.agreement AND version IS NOT NULL;
    INSERT INTO agreement_passage (agreement, version, language, text)
    SELECT NEW.agreement, NEW.id, t.language, p.part
    FROM (VALUES ('sv', NEW.text_sv), ('en', NEW.text_en)) AS t(language, text), passages_of(t.text) AS p;
    RETURN NULL;
END $$;
CREATE TRIGGER agreement_version_indexes_its_text AFTER INSERT ON agreement_version
    FOR EACH ROW EXECUTE FUNCTION index_agreement_version();

CREATE FUNCTION index_document_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM agreement_passage WHERE document = NEW.document;
    INSERT INTO agreement_passage (agreement, document, page, text)
    SELECT v.agreement, d.id, CASE WHEN NEW.pages IS NOT NULL THEN p.page END, p.part
    FROM document d JOIN agreement_version v ON v.id = d.version, passages_of(NEW.text) AS p
    WHERE d.id = NEW.document;
    RETURN NULL;
END $$;
CREATE TRIGGER document_text_indexes_its_text AFTER INSERT OR UPDATE ON document_text
    FOR EACH ROW EXECUTE FUNCTION index_document_text();
"""

# A batch of the versions that are there, the newest of each agreement.
BACKFILL = """
INSERT INTO agreement_passage (agreement, version, language, text)
SELECT v.agreement, v.id, t.language, p.part
FROM (SELECT DISTINCT ON (agreement) * FROM agreement_version WHERE agreement = ANY ($1)
      ORDER BY agreement, number DESC) v,
     LATERAL (VALUES ('sv', v.text_sv), ('en', v.text_en)) AS t(language, text), passages_of(t.text) AS p
"""

BACKWARDS = r"""
DROP TRIGGER document_text_indexes_its_text ON document_text;
DROP FUNCTION index_document_text();
DROP TRIGGER agreement_version_indexes_its_text ON agreement_version;
DROP FUNCTION index_agreement_version();
DROP INDEX agreement_template_version_index;
DROP INDEX template_titles_index;
DROP INDEX organisation_names_index;
DROP INDEX agreement_head_index;
DROP INDEX agreement_passage_document_index;
DROP INDEX agreement_passage_agreement_index;
DROP INDEX agreement_passage_vector_index;
ALTER TABLE agreement_passage DROP COLUMN vector;
DROP FUNCTION passages_of(text);
DROP FUNCTION search_vector(text);
DROP FUNCTION fold_text(text);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="agreements", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)
        rows = await database.fetch("SELECT id FROM agreement ORDER BY id")
        for first in range(0, len(rows), BATCH):
            await database.fetch(BACKFILL, [row["id"] for row in rows[first : first + BATCH]])

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
