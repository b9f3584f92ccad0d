"""Makes series of bookings for tests, far enough ahead to cross a change of summer time."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from registry import database
from registry.bookings import series
from registry.bookings.codes import Frequency
from registry.bookings.recurrence import SeriesRule
from registry.bookings.requests import BookingText
from registry.bookings.series import Outcome
from tests.factories_bookings import Scene

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def monday(weeks_ahead: int = 2) -> datetime:
    """9 o'clock in Stockholm on a Monday."""
    now = datetime.now(STOCKHOLM)
    day = now.date() + timedelta(days=7 * weeks_ahead - now.weekday())
    return datetime(day.year, day.month, day.day, 9, tzinfo=STOCKHOLM)


def weekly_text(*slugs: str, starts_at: datetime | None = None, hours: float = 2) -> BookingText:
    """A whole request whose first time is on a Monday."""
    first = starts_at or monday()
    return BookingText(
        environments=slugs,
        starts_at=first,
        ends_at=first + timedelta(hours=hours),
        purpose="Try a new alarm",
        operational_benefit="Fewer interruptions",
        user_benefit="Quieter nights",
        trl=5,
        participants=3,
    )


async def sent(scene: Scene, times: int = 4, **more: object) -> Outcome:
    """A weekly series that the scene's requester has sent."""
    return await series.create_series(
        scene.people["requester"],
        weekly_text(scene.slug, **more),  # type: ignore[arg-type]
        SeriesRule(Frequency.WEEKLY, count=times),
        submit=True,
    )


async def states(series_id: UUID) -> list[str]:
    """The states of a series' bookings in order."""
    rows = await database.fetch("SELECT state FROM booking WHERE series = $1 ORDER BY occurrence", series_id)
    return [row["state"] for row in rows]


async def held(series_id: UUID) -> int:
    """How many times the database holds for a series."""
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM booking_hold h JOIN booking b ON b.id = h.booking WHERE b.series = $1", series_id
    )
    assert row is not None
    count: int = row["n"]
    return count
