"""Tables of bookings. The table of held times, `booking_hold`, is written by the database alone: see migrations."""

from uuid import uuid4

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    LazyTableReference,
    Numeric,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.access import Role
from registry.bookings.codes import (
    EffectLevel,
    EmployerRole,
    FeedKind,
    Frequency,
    IpFinding,
    MonthlyBy,
    NoticeEvent,
    NoticePace,
    OutcomeDecision,
    Part,
    PersonalData,
    ReplyKind,
    Side,
)
from registry.bookings.states import AssessmentState, BookingState, MoveState
from registry.database import one_of, some_of
from registry.entries.codes import Audience, Perspective


class BookingSeries(Table):
    """The rule that ties bookings together; each of them is a booking of its own. Times are in UTC, days Swedish.

    `starts_at` and `ends_at` are the first occurrence's; the others are at the same time of day. `weekdays` are 1
    (Monday) to 7. `left_out` has the times that could not be had and were left out: `[{starts_at, ends_at, day,
    forecast}]`.
    """

    id = UUID(primary_key=True, default=uuid4)
    frequency = Varchar(length=10)
    every = SmallInt(default=1)
    weekdays = Array(base_column=SmallInt())
    monthly_by = Varchar(length=20, null=True, default=None)
    until = Date(null=True, default=None)
    times = SmallInt(null=True, default=None)
    exceptions = Array(base_column=Date())
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    left_out = JSONB(default="[]")
    created_at = Timestamptz(default=TimestamptzNow())

    frequency_is_known = one_of("frequency", Frequency)
    monthly_by_is_known = one_of("monthly_by", MonthlyBy)
    only_months_have_days_to_keep = Check("(frequency = 'monthly') = (monthly_by IS NOT NULL)")
    comes_back_some_time = Check("every BETWEEN 1 AND 99")
    weekdays_are_days = Check("weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]")
    ends_in_one_way = Check("(until IS NULL) <> (times IS NULL) AND coalesce(times, 1) >= 1")
    first_occurrence_has_a_length = Check("starts_at < ends_at")


class Booking(Table):
    """A request for one or more environments over the half-open interval `[starts_at, ends_at)`, in UTC.

    While the state is approved, confirmed or in progress the database holds the time, buffers included; and while it
    is waitlisted or submitted with a `hold_until`: until then it is offered, or the host can decide on it.
    """

    id = UUID(primary_key=True, default=uuid4)
    state = Varchar(length=20, default=BookingState.DRAFT)
    requester: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    organisation: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    audience = Varchar(length=10)
    starts_at = Timestamptz(null=True, default=None)
    ends_at = Timestamptz(null=True, default=None)
    purpose = Text(default="")
    operational_benefit = Text(default="")
    user_benefit = Text(default="")
    perspectives = Array(base_column=Varchar(length=20))
    trl = SmallInt(null=True, default=None)
    participants = Integer(null=True, default=None)
    personal_data = Varchar(length=10, default=PersonalData.NONE)
    ethics_reference = Varchar(length=60, default="")
    accessibility_needs = Text(default="")
    # Given when an employee books for an innovation of their own.
    employer_role = Varchar(length=20, null=True, default=None)
    innovation_project = Text(default="")
    innovation_contribution = Text(default="")
    innovation_funding = Text(default="")
    example = Boolean(default=False)
    created_at = Timestamptz(default=TimestamptzNow())
    submitted_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decided_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    hold_until = Timestamptz(null=True, default=None)
    confirmed_at = Timestamptz(null=True, default=None)
    reason = Text(default="")
    outcome_decision = Varchar(length=20, null=True, default=None)
    outcome_text = Text(default="")
    outcome_hours = Numeric(digits=(6, 1), null=True, default=None)
    # When the test really ended; `ends_at` stays what was booked.
    ended_at = Timestamptz(null=True, default=None)
    # Since when a confirmed booking lacks a required agreement for the whole of its time.
    agreement_lost_at = Timestamptz(null=True, default=None)
    # The series that it belongs to, and as which of its occurrences, counted from 1.
    series = ForeignKey(BookingSeries, null=True, default=None, on_delete=OnDelete.restrict)
    occurrence = SmallInt(null=True, default=None)
    # Rise and change with every change of the row, by a trigger: what calendars know a newer version by.
    sequence = Integer(default=0)
    changed_at = Timestamptz(default=TimestamptzNow())

    state_is_known = one_of("state", BookingState)
    audience_is_known = one_of("audience", Audience)
    personal_data_is_known = one_of("personal_data", PersonalData)
    perspectives_are_known = some_of("perspectives", Perspective)
    employer_role_is_known = one_of("employer_role", EmployerRole)
    own_innovations_are_employees = Check("employer_role IS NULL OR audience = 'employee'")
    outcome_is_known = one_of("outcome_decision", OutcomeDecision)
    starts_before_it_ends = Check("starts_at < ends_at")
    trl_is_a_level = Check("trl BETWEEN 1 AND 9")
    participants_are_some = Check("participants BETWEEN 1 AND 100000")
    is_whole_when_sent = Check(
        "state IN ('draft', 'withdrawn') OR (starts_at IS NOT NULL AND ends_at IS NOT NULL AND purpose <> '')"
    )
    nobody_decides_on_their_own = Check("decided_by <> requester")
    says_why = Check("state NOT IN ('declined', 'changes_requested', 'cancelled') OR reason <> ''")
    only_confirmed_bookings_lose_agreements = Check(
        "agreement_lost_at IS NULL OR state NOT IN"
        " ('draft', 'submitted', 'changes_requested', 'waitlisted', 'approved')"
    )
    occurrences_belong_to_a_series = Check("(series IS NULL) = (occurrence IS NULL)")
    occurrence_once = Unique([series, occurrence])
    outcome_has_a_decision = Check("(state = 'outcome_recorded') = (outcome_decision IS NOT NULL)")
    outcome_hours_are_sane = Check("outcome_hours BETWEEN 0 AND 10000")
    offer_ends_before_the_start = Check("state <> 'waitlisted' OR hold_until <= starts_at")


class BookingEnvironment(Table):
    """An environment that a booking asks for."""

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, on_delete=OnDelete.cascade)
    environment: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Environment", "entries"), null=False, on_delete=OnDelete.restrict
    )

    booking_environment_once = Unique([booking, environment])


class Blackout(Table):
    """A half-open interval in UTC in which nothing new can be booked in an environment, its parts or its whole.

    The database refuses new holds in it. Bookings that were there first stay until somebody moves or cancels them.
    """

    id = BigSerial(primary_key=True)
    environment: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Environment", "entries"), null=False, on_delete=OnDelete.cascade
    )
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    reason_sv = Text(default="")
    reason_en = Text(default="")

    blackout_ends_after_it_begins = Check("starts_at < ends_at")
    blackout_says_why = Check("reason_sv <> '' OR reason_en <> ''")


class Notice(Table):
    """Something about a booking that a person is told of by mail; all times are in UTC.

    `mailed_at` is empty while it waits. `needs_me` says that the person has to act. `about` is the moment that the
    notice is about, where there is one (the time reminded of, the end of a hold); of that a person is told once.
    Notices follow from what is logged, so they are not logged themselves, and are removed after a time.
    """

    id = BigSerial(primary_key=True)
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.cascade
    )
    booking = ForeignKey(Booking, null=False, on_delete=OnDelete.cascade)
    event = Varchar(length=30)
    part = Varchar(length=12)
    needs_me = Boolean(default=False)
    reason = Text(default="")
    about = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    mailed_at = Timestamptz(null=True, default=None)

    event_is_known = one_of("event", NoticeEvent)
    part_is_known = one_of("part", Part)


class NoticeSetting(Table):
    """How often a person wants mail about bookings; who has chosen nothing gets it at once."""

    id = BigSerial(primary_key=True)
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, unique=True, on_delete=OnDelete.cascade
    )
    pace = Varchar(length=10, default=NoticePace.AT_ONCE)

    pace_is_known = one_of("pace", NoticePace)


class CalendarFeed(Table):
    """An address that a calendar program subscribes to; only the SHA-256 of its token is stored, times are in UTC.

    It gives what its person may see when it is read. `with_details` says that it was made to show an environment's
    bookings to a host; without, it shows only when the environment is busy. `reads` counts since `window_at`.
    """

    id = BigSerial(primary_key=True)
    token_hash = Varchar(length=64, unique=True)
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.cascade
    )
    kind = Varchar(length=12)
    organisation: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), on_delete=OnDelete.cascade
    )
    environment: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Environment", "entries"), on_delete=OnDelete.cascade
    )
    with_details = Boolean(default=True)
    created_at = Timestamptz(default=TimestamptzNow())
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    window_at = Timestamptz(null=True, default=None)
    reads = Integer(default=0)

    kind_is_known = one_of("kind", FeedKind)
    is_of_what_its_kind_says = Check(
        "(kind = 'organisation') = (organisation IS NOT NULL) AND (kind = 'environment') = (environment IS NOT NULL)"
    )


class IpAssessment(Table):
    """What legal finds about the rights to the innovation of an employee who books; times are in UTC.

    The facts are in the booking; `facts_sha256` tells whether they have changed since. A reopened assessment keeps
    what was found before. Only a decision can make it block the booking.
    """

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, unique=True, on_delete=OnDelete.restrict)
    state = Varchar(length=10, default=AssessmentState.OPEN)
    facts_sha256 = Varchar(length=64)
    opened_at = Timestamptz(default=TimestamptzNow())
    decided_at = Timestamptz(null=True, default=None)
    decided_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    finding = Varchar(length=20, null=True, default=None)
    reasons = Text(default="")
    blocks = Boolean(default=False)

    state_is_known = one_of("state", AssessmentState)
    finding_is_known = one_of("finding", IpFinding)
    decision_is_whole = Check(
        "state = 'open' OR"
        " (finding IS NOT NULL AND reasons <> '' AND decided_at IS NOT NULL AND decided_by IS NOT NULL)"
    )
    only_a_decision_blocks = Check("NOT blocks OR state = 'decided'")


class MoveRequest(Table):
    """A requester's wish to move an approved or confirmed booking, which keeps its time meanwhile; times are in UTC.

    `environments` are those that it would then be in. A booking has one open wish at most.
    """

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, on_delete=OnDelete.cascade)
    state = Varchar(length=10, default=MoveState.ASKED)
    environments = Array(base_column=BigInt())
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    reason = Text(default="")
    asked_by: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    asked_at = Timestamptz(default=TimestamptzNow())
    decided_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    answer = Text(default="")

    state_is_known = one_of("state", MoveState)
    move_starts_before_it_ends = Check("starts_at < ends_at")
    refusal_says_why = Check("state <> 'refused' OR answer <> ''")
    nobody_agrees_with_themselves = Check("state <> 'agreed' OR (decided_by IS NOT NULL AND decided_by <> asked_by)")


class OutcomeEffect(Table):
    """What a test showed in one of the strategy's perspectives: a level, and a sentence about it."""

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, on_delete=OnDelete.cascade)
    perspective = Varchar(length=20)
    level = Varchar(length=15)
    text = Text(default="")

    perspective_is_known = one_of("perspective", Perspective)
    level_is_known = one_of("level", EffectLevel)
    effect_once_a_perspective = Unique([booking, perspective])
    effect_says_what = Check("level = 'not_measured' OR text <> ''")


class OutcomePublication(Table):
    """The text about an outcome that the public may read, once the requester's side has agreed and a host publishes.

    Whoever changes the text takes the consent away. Times are in UTC.
    """

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, unique=True, on_delete=OnDelete.cascade)
    text_sv = Text(default="")
    text_en = Text(default="")
    written_by: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    written_at = Timestamptz(default=TimestamptzNow())
    agreed_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    agreed_at = Timestamptz(null=True, default=None)
    published_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    published_at = Timestamptz(null=True, default=None)

    publication_has_a_text = Check("text_sv <> '' OR text_en <> ''")
    agreed_by_somebody = Check("(agreed_at IS NULL) = (agreed_by IS NULL)")
    published_by_somebody = Check("(published_at IS NULL) = (published_by IS NULL)")
    published_with_consent = Check("published_at IS NULL OR (agreed_at IS NOT NULL AND published_by <> agreed_by)")


class BookingMessage(Table):
    """A message between the requester's and the host's side of a booking; append-only, in UTC.

    `state` is what the booking became when the text was given as a reason; empty for an ordinary message.
    """

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, on_delete=OnDelete.restrict)
    author: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    side = Varchar(length=10)
    state = Varchar(length=20, null=True, default=None)
    text = Text()
    created_at = Timestamptz(default=TimestamptzNow())

    side_is_known = one_of("side", Side)
    message_has_a_good_length = Check("char_length(btrim(text)) BETWEEN 1 AND 5000")


class BookingNote(Table):
    """What hosts of a booking's environments note for each other, never for the requester; append-only, in UTC.

    `role` is the one by which the author could write it.
    """

    id = BigSerial(primary_key=True)
    booking = ForeignKey(Booking, null=False, on_delete=OnDelete.restrict)
    author: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    role = Varchar(length=20)
    text = Text()
    created_at = Timestamptz(default=TimestamptzNow())

    role_is_known = one_of("role", Role)
    note_has_a_good_length = Check("char_length(btrim(text)) BETWEEN 1 AND 5000")


class ReplyTemplate(Table):
    """A reply that the hosts of a body or unit keep for use again, in Swedish, English or both.

    The texts may hold the places of `replies.PLACEHOLDERS`. `version` counts the changes, for noticing that two
    hosts edit at once.
    """

    id = BigSerial(primary_key=True)
    owner: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    kind = Varchar(length=10)
    title = Varchar(length=100)
    text_sv = Text(default="")
    text_en = Text(default="")
    version = Integer(default=1)

    kind_is_known = one_of("kind", ReplyKind)
    reply_has_a_title = Check("btrim(title) <> ''")
    reply_says_something = Check("btrim(text_sv) <> '' OR btrim(text_en) <> ''")
    reply_is_not_too_long = Check("char_length(text_sv) <= 4000 AND char_length(text_en) <= 4000")
    reply_title_once = Unique([owner, kind, title])
