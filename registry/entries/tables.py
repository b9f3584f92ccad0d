"""Tables of entries."""

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Date,
    DoublePrecision,
    ForeignKey,
    Integer,
    LazyTableReference,
    SmallInt,
    Text,
    Time,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.database import one_of, some_of
from registry.entries.codes import (
    Audience,
    Kind,
    Perspective,
    Relation,
    Remuneration,
    Sector,
    Specialisation,
    Track,
    Visibility,
)
from registry.entries.states import EntryStatus


class Entry(Table):
    """What the registry lists. Texts exist in Swedish and English; either may be empty, not both.

    `example_fields` names what has been made up for the demo, so that the page can say so.
    `version` counts the changes, for noticing that two people edit at once.
    """

    id = BigSerial(primary_key=True)
    slug = Varchar(length=100, unique=True)
    kind = Varchar(length=30)
    status = Varchar(length=20, default=EntryStatus.DRAFT)
    visibility = Varchar(length=10, default=Visibility.PUBLIC)
    title_sv = Text(default="")
    title_en = Text(default="")
    summary_sv = Text(default="")
    summary_en = Text(default="")
    description_sv = Text(default="")
    description_en = Text(default="")
    primary_sector = Varchar(length=20)
    sectors = Array(base_column=Varchar(length=20))
    perspectives = Array(base_column=Varchar(length=20))
    specialisations = Array(base_column=Varchar(length=30))
    keywords = Array(base_column=Text())
    accountable_body: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    unit: ForeignKey[Table] = ForeignKey(LazyTableReference("Organisation", "accounts"), on_delete=OnDelete.restrict)
    track = Varchar(length=30)
    contact_function = Text(default="")
    contact_email = Varchar(length=254, default="")
    answer_days = SmallInt(default=5)
    address = Text(default="")
    municipality = Text(default="")
    latitude = DoublePrecision(null=True, default=None)
    longitude = DoublePrecision(null=True, default=None)
    link = Text(default="")
    source = Text(default="")
    ended = Boolean(default=False)
    example_fields = Array(base_column=Varchar(length=40))
    version = Integer(default=1)
    created_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    created_at = Timestamptz(default=TimestamptzNow())
    published_at = Timestamptz(null=True, default=None)
    confirmed_at = Timestamptz(null=True, default=None)
    review_message = Text(default="")

    kind_is_known = one_of("kind", Kind)
    status_is_known = one_of("status", EntryStatus)
    visibility_is_known = one_of("visibility", Visibility)
    track_is_known = one_of("track", Track)
    sectors_are_known = some_of("sectors", Sector)
    perspectives_are_known = some_of("perspectives", Perspective)
    specialisations_are_known = some_of("specialisations", Specialisation)
    has_a_title = Check("title_sv <> '' OR title_en <> ''")
    primary_sector_is_a_sector = Check("primary_sector = ANY (sectors)")
    place_is_on_earth = Check(
        "(latitude IS NULL) = (longitude IS NULL) AND latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180"
    )
    answer_days_are_few = Check("answer_days BETWEEN 1 AND 60")


class EntryVersion(Table):
    """The entry as it was published; append-only."""

    id = BigSerial(primary_key=True)
    entry = ForeignKey(Entry, null=False, on_delete=OnDelete.restrict)
    number = Integer()
    snapshot = JSONB()
    published_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    published_at = Timestamptz(default=TimestamptzNow())

    entry_version_one_of_each_number = Unique([entry, number])


class EntryRelation(Table):
    """One entry's relation to another."""

    id = BigSerial(primary_key=True)
    entry = ForeignKey(Entry, null=False, on_delete=OnDelete.cascade)
    other = ForeignKey(Entry, null=False, on_delete=OnDelete.cascade)
    relation = Varchar(length=20)

    relation_is_known = one_of("relation", Relation)
    entry_relation_once = Unique([entry, other, relation])
    not_to_itself = Check("entry <> other")


class Environment(Table):
    """What an entry has when it is a testbed or a demo environment, and can be booked.

    Durations are in minutes, `lead_time_hours` and `offer_hours` (to answer when time becomes free for who waits)
    in hours, `horizon_days` in days. Prices are in the currency's minor unit. An environment nobody may book
    (`bookable_by` empty) is only described.
    Capacity is how many bookings may overlap; an environment with parts is booked as a whole.
    Bookings begin every `step` minutes from when it opens, or at any time where that is 0.
    `id` is the id of its entry (a foreign key that Piccolo cannot declare on a primary key; see the migration).
    """

    id = BigInt(primary_key=True)
    parent: ForeignKey[Table] = ForeignKey(LazyTableReference("Environment", "entries"), on_delete=OnDelete.restrict)
    offer_sv = Text(default="")
    offer_en = Text(default="")
    equipment_sv = Text(default="")
    equipment_en = Text(default="")
    capacity = SmallInt(default=1)
    buffer_before = Integer(default=0)
    buffer_after = Integer(default=0)
    shortest = Integer(default=60)
    longest = Integer(default=480)
    lead_time_hours = Integer(default=24)
    horizon_days = Integer(default=365)
    approval_days = SmallInt(default=30)
    offer_hours = SmallInt(default=24)
    step = Integer(default=0)
    closed_on_holidays = Boolean(default=False)
    closed_on_eves = Boolean(default=False)
    bookable_by = Array(base_column=Varchar(length=10))
    remuneration = Varchar(length=20, default=Remuneration.BY_AGREEMENT)
    price_minor = BigInt(null=True, default=None)
    currency = Varchar(length=3, default="SEK")
    price_note_sv = Text(default="")
    price_note_en = Text(default="")
    most_participants = SmallInt(null=True, default=None)
    requirements_sv = Text(default="")
    requirements_en = Text(default="")
    needs_ethics_approval = Boolean(default=False)
    accessibility_sv = Text(default="")
    accessibility_en = Text(default="")
    trl_lowest = SmallInt(null=True, default=None)
    trl_highest = SmallInt(null=True, default=None)

    audience_is_known = some_of("bookable_by", Audience)
    remuneration_is_known = one_of("remuneration", Remuneration)
    capacity_is_positive = Check("capacity BETWEEN 1 AND 1000")
    buffers_are_sane = Check("buffer_before BETWEEN 0 AND 10080 AND buffer_after BETWEEN 0 AND 10080")
    lengths_are_sane = Check("shortest BETWEEN 5 AND longest AND longest <= 525600")
    lead_is_sane = Check("lead_time_hours BETWEEN 0 AND 8760 AND horizon_days BETWEEN 1 AND 1830")
    approval_is_sane = Check("approval_days BETWEEN 1 AND 365")
    offer_is_sane = Check("offer_hours BETWEEN 1 AND 336")
    step_is_sane = Check("step BETWEEN 0 AND 1440")
    price_is_positive = Check("price_minor >= 0")
    currency_is_a_code = Check("currency ~ '^[A-Z]{3}$'")
    trl_range = Check(
        "(trl_lowest IS NULL) = (trl_highest IS NULL) AND trl_lowest BETWEEN 1 AND trl_highest AND trl_highest <= 9"
    )
    not_its_own_parent = Check("parent <> id")


class Season(Table):
    """A part of the year in which an environment has a week of its own, both days included, in Europe/Stockholm.

    `every_year`: only month and day count. Two seasons of certain years never overlap: the database refuses it.
    """

    id = BigSerial(primary_key=True)
    environment = ForeignKey(Environment, null=False, on_delete=OnDelete.cascade)
    name_sv = Text(default="")
    name_en = Text(default="")
    first_day = Date()
    last_day = Date()
    every_year = Boolean(default=False)

    season_has_a_name = Check("name_sv <> '' OR name_en <> ''")
    season_ends_after_it_begins = Check("first_day <= last_day")
    season_is_shorter_than_a_year = Check("last_day < first_day + 365")


class OpeningHours(Table):
    """When an environment is open on a weekday (1 is Monday), in Europe/Stockholm. `closes` 00:00 is midnight.

    Without a season it is the ordinary week.
    """

    id = BigSerial(primary_key=True)
    environment = ForeignKey(Environment, null=False, on_delete=OnDelete.cascade)
    season = ForeignKey(Season, on_delete=OnDelete.cascade)
    weekday = SmallInt()
    opens = Time()
    closes = Time()

    weekday_is_one = Check("weekday BETWEEN 1 AND 7")
    opens_before_it_closes = Check("opens < closes OR closes = '00:00'")
    opening_hours_once_a_season = Unique([environment, season, weekday, opens], nulls_distinct=False)


class Closure(Table):
    """When an environment is closed, as a half-open interval in UTC, with the reason in Swedish, English or both."""

    id = BigSerial(primary_key=True)
    environment = ForeignKey(Environment, null=False, on_delete=OnDelete.cascade)
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    reason_sv = Text(default="")
    reason_en = Text(default="")

    closure_ends_after_it_begins = Check("starts_at < ends_at")
    closure_says_why = Check("reason_sv <> '' OR reason_en <> ''")


class OpenDay(Table):
    """A day in Europe/Stockholm that is open in spite of a holiday, with its weekday's hours or with its own."""

    id = BigSerial(primary_key=True)
    environment = ForeignKey(Environment, null=False, on_delete=OnDelete.cascade)
    day = Date()
    opens = Time(null=True, default=None)
    closes = Time(null=True, default=None)

    open_day_has_both_ends = Check("(opens IS NULL) = (closes IS NULL)")
    open_day_opens_before_it_closes = Check("opens < closes OR closes = '00:00'")
    open_day_once = Unique([environment, day])
