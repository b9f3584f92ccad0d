"""The tables of the search: documents, the vocabulary, what is asked for, and the searches that people have saved."""

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Date,
    ForeignKey,
    Integer,
    LazyTableReference,
    Serial,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.database import one_of, some_of
from registry.entries.codes import Sector
from search.codes import Frequency


class SearchDocument(Table):
    """What can be found of one published entry, derived from the concepts' tables by `search/sync.py`.

    The columns are the fields of `search.document.Document`; `source_hash` is of what it was derived from,
    `checksum` of the document itself. The weighted `vector` is a generated column (see the migration).
    Visibility counts as the entry has it now: every query asks the entry itself, so that nothing hidden is found
    even for a moment. `id` is the id of the entry.
    """

    id = BigInt(primary_key=True)
    shown = JSONB()
    facets = JSONB()
    title_words = Text(default="")
    summary_words = Text(default="")
    names_words = Text(default="")
    near_words = Text(default="")
    body_words = Text(default="")
    body_sv = Text(default="")
    body_en = Text(default="")
    order_sv = Text(default="")
    order_en = Text(default="")
    free_weeks = Array(base_column=Varchar(length=8))
    source_hash = Varchar(length=64, default="")
    checksum = Varchar(length=64, default="")
    indexed_at = Timestamptz(default=TimestamptzNow())


class SearchPush(Table):
    """An entry whose document Meilisearch has yet to hear of: changed, or gone. Removed once it has confirmed."""

    entry = BigInt(primary_key=True)
    asked_at = Timestamptz(default=TimestamptzNow())


class SearchHidden(Table):
    """An entry that fewer people may see than Meilisearch knows of: no search finds it there until it knows.

    Written by a trigger in the transaction that hides the entry (see the migration).
    """

    entry = BigInt(primary_key=True)
    hidden_at = Timestamptz(default=TimestamptzNow())


class SearchWord(Table):
    """A word of the index and how many entries have it: those that everybody sees, and those for staff only."""

    word = Text(primary_key=True)
    public = Integer(default=0)
    staff = Integer(default=0)


class VocabularyConcept(Table):
    """Something that people search for, whatever they call it. No sectors means that it belongs to all of them.

    `key` names it for people and files and never changes. `version` counts the changes, for noticing that two
    people edit at once.
    """

    id = BigSerial(primary_key=True)
    key = Varchar(length=60, unique=True)
    sectors = Array(base_column=Varchar(length=20))
    created_at = Timestamptz(default=TimestamptzNow())
    changed_at = Timestamptz(default=TimestamptzNow())
    version = Integer(default=1)

    vocabulary_sectors_are_known = some_of("sectors", Sector)
    key_is_plain = Check("key ~ '^[a-z0-9]+([-_][a-z0-9]+)*$'")


class VocabularyTerm(Table):
    """What a concept is called in a language; the first by `position` is its name, the others are synonyms."""

    id = BigSerial(primary_key=True)
    concept = ForeignKey(VocabularyConcept, null=False, on_delete=OnDelete.cascade)
    language = Varchar(length=2)
    term = Varchar(length=80)
    position = SmallInt(default=0)

    term_language_is_known = Check("language IN ('sv', 'en')")
    term_is_trimmed = Check("term = btrim(term, E' \\t\\n\\r') AND term IS NFC NORMALIZED AND char_length(term) >= 2")
    vocabulary_term_once = Unique([concept, language, term])


class VocabularyBroader(Table):
    """One concept is narrower than another: who searches for the broader one also means the narrower.

    A trigger refuses cycles (see the migration).
    """

    id = BigSerial(primary_key=True)
    concept = ForeignKey(VocabularyConcept, null=False, on_delete=OnDelete.cascade)
    broader = ForeignKey(VocabularyConcept, null=False, on_delete=OnDelete.cascade)

    not_broader_than_itself = Check("concept <> broader")
    vocabulary_broader_once = Unique([concept, broader])


class VocabularyVersion(Table):
    """One row that counts the changes of the vocabulary, kept by triggers on its tables (see the migration).

    Whoever changes the vocabulary holds this row until the commit, so changes come one after the other and a
    number that can be read tells that everything up to it can be read too.
    """

    id = SmallInt(primary_key=True, default=1)
    number = BigInt(default=0)

    vocabulary_has_one_version = Check("id = 1")


class SearchQuestion(Table):
    """How often something was asked for on a day in Europe/Stockholm, and what came of it; no person, no time of day.

    `asker` is `public` or `staff`. `clicked_at` counts the clicks by the place of the result in the list: the
    first ten places, then all later ones together; `places` is the sum of the places. A question that could hold
    personal data is not stored (see `search/statistics.py`); the checks here are the last line of that.
    """

    id = BigSerial(primary_key=True)
    day = Date(default=None)
    question = Varchar(length=100)
    language = Varchar(length=2)
    asker = Varchar(length=6)
    searches = Integer(default=0)
    without_hits = Integer(default=0)
    last_hits = Integer(default=0)
    clicks = Integer(default=0)
    places = BigInt(default=0)
    clicked_at = Array(base_column=Integer())

    question_language_is_known = Check("language IN ('sv', 'en')")
    asker_is_a_kind = Check("asker IN ('public', 'staff')")
    question_is_not_empty = Check("question <> ''")
    question_holds_no_address = Check("strpos(question, '@') = 0")
    question_holds_no_number_of_a_person = Check("char_length(regexp_replace(question, '[^0-9]', '', 'g')) < 6")
    counts_fit_together = Check("without_hits BETWEEN 0 AND searches AND clicks >= 0 AND cardinality(clicked_at) = 11")
    question_once_a_day = Unique([day, question, language, asker])


class SavedSearch(Table):
    """A search that a person keeps, and how often news of it are mailed.

    `query` is the query string of `/search` as `SearchAddress.canonical` writes it; a person has each only once
    (a unique index, see the migration). Mails hold a token that stops them without a sign-in; only its SHA-256
    is stored. `last_mailed_at` is in UTC.
    """

    id = Serial(primary_key=True)
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.cascade
    )
    name = Varchar(length=100)
    query = Text(default="")
    frequency = Varchar(length=10)
    language = Varchar(length=2, default="sv")
    token_hash = Varchar(length=64, null=True, default=None, unique=True)
    created_at = Timestamptz(default=TimestamptzNow())
    last_mailed_at = Timestamptz(null=True, default=None)

    frequency_is_known = one_of("frequency", Frequency)
    language_is_known = Check("language IN ('sv', 'en')")
    search_has_a_name = Check("name <> ''")


class SavedSearchHit(Table):
    """An entry that a saved search has been told of, or that was there when it was saved. Never told again."""

    id = BigSerial(primary_key=True)
    search = ForeignKey(SavedSearch, null=False, on_delete=OnDelete.cascade)
    entry: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Entry", "entries"), null=False, on_delete=OnDelete.cascade
    )

    saved_search_hit_once = Unique([search, entry])
