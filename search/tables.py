"""The tables of the search: the index that PostgreSQL searches, and the searches that people have saved."""

from piccolo.columns import (
    Array,
    BigInt,
    BigSerial,
    ForeignKey,
    LazyTableReference,
    Serial,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.database import one_of
from search.codes import Frequency


class SearchDocument(Table):
    """What can be found of one published entry, derived from the concepts' tables by `search/sync.py`.

    The columns are the fields of `search.document.Document`. The weighted vectors `vector_sv` and `vector_en`
    are generated columns (see the migration). Visibility is not stored here: every query asks the entry itself,
    so that nothing hidden is found even for a moment. `id` is the id of the entry.
    """

    id = BigInt(primary_key=True)
    title_sv = Text(default="")
    title_en = Text(default="")
    summary_sv = Text(default="")
    summary_en = Text(default="")
    body_sv = Text(default="")
    body_en = Text(default="")
    names = Text(default="")
    plain_title = Text(default="")
    plain_summary = Text(default="")
    plain = Text(default="")
    order_sv = Text(default="")
    order_en = Text(default="")
    results_ownership = Array(base_column=Varchar(length=40))
    indexed_at = Timestamptz(default=TimestamptzNow())


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
