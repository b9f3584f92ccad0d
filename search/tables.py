"""The tables of the search: what can be found of each entry, what the other engine has yet to hear, and the words."""

from piccolo.columns import JSONB, Array, BigInt, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class SearchDocument(Table):
    """What can be found of one published entry, derived from the concepts' tables by `search/sync.py`.

    The columns are the fields of `search.document.Document`; `source_hash` is of what it was derived from,
    `checksum` of the document itself. The weighted `vector` is a generated column (see the migration).
    Visibility counts as the entry has it now: every query asks the entry itself, so that nothing hidden is found
    even for a moment. `id` is the id of the entry.
    """

    id = BigInt(primary_key=True)
    shown = JSONB()
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


class SearchWord(Table):
    """A word of the index and how many entries have it: those that everybody sees, and those for staff only."""

    word = Text(primary_key=True)
    public = Integer(default=0)
    staff = Integer(default=0)
