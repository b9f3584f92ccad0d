"""The demo's calendars make sense on whichever day the demo is started first."""

from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest

from registry.demo.calendars import coming, opening_from
from registry.demo.files import load
from registry.entries.calendars import Season

CALENDARS: list[dict[str, Any]] = load("calendars")
WEEKS = {one["slug"]: one["opening_hours"] for one in load("environments")}


@pytest.mark.parametrize(
    ("first_day", "last_day", "today", "found"),
    [
        ("07-01", "07-31", date(2027, 5, 1), (date(2027, 7, 1), date(2027, 7, 31))),
        ("07-01", "07-31", date(2027, 7, 31), (date(2027, 7, 1), date(2027, 7, 31))),
        ("07-01", "07-31", date(2027, 8, 1), (date(2028, 7, 1), date(2028, 7, 31))),
        ("11-01", "03-31", date(2027, 1, 1), (date(2026, 11, 1), date(2027, 3, 31))),
        ("11-01", "03-31", date(2027, 6, 1), (date(2027, 11, 1), date(2028, 3, 31))),
        ("01-06", "01-06", date(2027, 1, 7), (date(2028, 1, 6), date(2028, 1, 6))),
    ],
)
def test_days_of_the_year_are_those_that_come_next(
    first_day: str, last_day: str, today: date, found: tuple[date, date]
) -> None:
    assert coming(first_day, last_day, today) == found


@pytest.mark.parametrize("one", CALENDARS, ids=lambda one: one["slug"])
def test_seasons_share_no_day(one: dict[str, Any]) -> None:
    seasons = [
        Season(*coming(season["first_day"], season["last_day"], date(2027, 1, 1)), every_year=True)
        for season in one["seasons"]
    ]
    assert not any(first.overlaps(second) for first, second in combinations(seasons, 2))


def test_bookings_are_within_the_hours_of_every_season() -> None:
    kept = {one["slug"]: one for one in CALENDARS}
    checked = 0
    for booking in load("bookings"):
        for slug in set(booking["environments"]) & kept.keys():
            for hours in (WEEKS[slug], *(season["opening_hours"] for season in kept[slug]["seasons"])):
                openings = [opening_from(one) for one in hours if one["weekday"] == booking["weekday"]]
                assert any(
                    f"{one.opens:%H:%M}" <= booking["starts"] and booking["ends"] <= f"{one.closes:%H:%M}"
                    for one in openings
                ), (booking["key"], hours)
                checked += 1
    assert checked


def test_blackout_is_set_over_a_booking_that_stays() -> None:
    booking = next(one for one in load("bookings") if one["key"] == "mobil-under-service")
    (blackout,) = next(one for one in CALENDARS if one["slug"] == "mobil-vardenhet")["blackouts"]

    def falls(one: dict[str, Any], today: date) -> date:
        earliest = today + timedelta(days=one["days"])
        return earliest + timedelta(days=(one["weekday"] - earliest.isoweekday()) % 7)

    for offset in range(7):
        today = date(2027, 1, 1) + timedelta(days=offset)
        days_in = (falls(booking, today) - falls(blackout, today)).days
        assert 0 <= days_in < blackout["length_days"]
