"""The table of keys."""

from piccolo.columns import BigSerial, Bytea, ForeignKey, LazyTableReference, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table


class IdempotencyKey(Table):
    """What a person asked for with a key, and how it was answered; `created_at` is in UTC.

    It commits together with what the request did. It follows from that, so it is not logged, and is removed after a
    day because answers hold personal data. `status` is empty only while the request is being worked on, which nobody
    else ever sees.
    """

    id = BigSerial(primary_key=True)
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.cascade
    )
    key = Varchar(length=200)
    address = Text()
    body_sha256 = Varchar(length=64)
    status = SmallInt(null=True, default=None)
    media_type = Text(default="")
    language = Varchar(length=10, default="")
    body = Bytea(default=b"")
    created_at = Timestamptz(default=TimestamptzNow(), index=True)

    key_once = Unique([person, key])
    key_is_not_blank = Check("key <> ''")
