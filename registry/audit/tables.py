"""The table of the log."""

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Event(Table, tablename="audit_event"):
    """One thing that happened. Append-only: the database refuses update, delete and truncate.

    `actor_id` has no foreign key on purpose: the log outlives an erased account.
    The column `transaction_id` (not listed here) holds the transaction that wrote the row; deferred
    triggers on the domain's tables use it to refuse a change that logs nothing.
    """

    id = BigSerial(primary_key=True)
    at = Timestamptz(default=TimestamptzNow(), null=False)
    actor_id = Integer(null=True, default=None)
    actor_name = Text(default="")
    type = Varchar(length=60)
    subject_kind = Varchar(length=40)
    subject_id = Varchar(length=64)
    entry_id = BigInt(null=True, default=None)
    data = JSONB(default="{}")
