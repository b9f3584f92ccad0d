"""The table of the index that PostgreSQL searches."""

from piccolo.columns import Array, BigInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


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
