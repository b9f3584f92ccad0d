"""Series of bookings: all or nothing, what is left out and why, steps with all or some, roles and races."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from registry import database
from registry.access import SYSTEM, Actor
from registry.audit.service import EventType, record
from registry.bookings import series, series_drafts, series_view, service
from registry.bookings.codes import Forecast, Frequency
from registry.bookings.look_ahead import SeriesRefused, SeriesTaken
from registry.bookings.recurrence import SeriesRule
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from registry.errors import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RuleBroken,
    TimeTaken,
    TransitionNotAllowed,
)
from tests import factories
from tests.factories_bookings import Scene, scene
from tests.factories_series import held, monday, sent, states, weekly_text

WEEKLY = SeriesRule(Frequency.WEEKLY, count=4)
BOOKABLE = (Audience.EXTERNAL, Audience.EMPLOYEE)


async def counted() -> tuple[int, int]:
    row = await database.fetch_one(
        "SELECT (SELECT count(*) FROM booking) AS bookings, (SELECT count(*) FROM booking_series) AS series"
    )
    assert row is not None
    return row["bookings"], row["series"]


async def approved(place: Scene, weeks_ahead: int, *, hours: float = 2) -> UUID:
    """A booking that holds a Monday."""
    text = weekly_text(place.slug, starts_at=monday(weeks_ahead), hours=hours)
    booking_id = await service.create_booking(place.people["colleague"], text, submit=True)
    await service.move_booking(place.people["host"], booking_id, "approve")
    return booking_id


async def test_series_is_one_booking_for_each_occurrence_tied_by_its_rule() -> None:
    place = await scene()
    made = await sent(place, 4)
    assert await states(made.id) == ["submitted"] * 4
    view = await series_view.get_series(place.people["requester"], made.id)
    assert view.rule == WEEKLY
    assert [booking.occurrence for booking in view.bookings] == [1, 2, 3, 4]
    assert [booking.starts_at for booking in view.bookings] == [
        monday(2 + week).astimezone(booking.starts_at.tzinfo) for week, booking in enumerate(view.bookings)
    ]
    assert view.actions.keys() == {"withdraw"}
    host = await series_view.get_series(place.people["host"], made.id)
    assert host.actions.keys() == {"approve", "request_changes", "decline"}
    logged = await database.fetch(
        "SELECT type FROM audit_event WHERE subject_id = $1 OR subject_id = ANY ($2)",
        str(made.id),
        [str(id) for id in made.changed],
    )
    types = [row["type"] for row in logged]
    assert types.count("booking_series.created") == 1
    assert types.count("booking.created") == 4


async def test_one_taken_time_refuses_the_whole_series_and_stores_nothing() -> None:
    place = await scene()
    await approved(place, 3)
    before = await counted()
    with pytest.raises(SeriesTaken) as refusal:
        await sent(place, 4)
    assert await counted() == before
    (named,) = refusal.value.extra["occurrences"]  # type: ignore[misc]  # a list of one
    assert named["number"] == 2
    assert named["forecast"] == "taken"
    assert named["alternatives"]
    nearest = named["alternatives"][0]
    assert nearest["environment"] == place.slug
    assert nearest["starts_at"][:10] == named["day"]


async def test_partial_leaves_out_what_is_taken_and_says_so() -> None:
    place = await scene()
    await approved(place, 3)
    made = await series.create_series(
        place.people["requester"], weekly_text(place.slug), WEEKLY, submit=True, partial=True
    )
    assert [verdict.occurrence.number for verdict in made.left_out] == [2]
    assert await states(made.id) == ["submitted"] * 3
    view = await series_view.get_series(place.people["requester"], made.id)
    assert [booking.occurrence for booking in view.bookings] == [1, 3, 4]
    assert [(one.day, one.forecast) for one in view.left_out] == [(monday(3).date(), Forecast.TAKEN)]


async def test_partial_needs_one_time_that_fits() -> None:
    place = await scene()
    await approved(place, 2)
    before = await counted()
    with pytest.raises(SeriesTaken):
        await series.create_series(
            place.people["requester"], weekly_text(place.slug), SeriesRule(Frequency.WEEKLY, count=1), partial=True
        )
    assert await counted() == before


async def test_closed_and_too_far_are_told_apart_and_named() -> None:
    place = await scene()
    _, slug = await factories.environment(
        text=EnvironmentText(
            bookable_by=BOOKABLE,
            lead_time_hours=0,
            shortest=5,
            longest=60 * 24,
            horizon_days=30,
            opening_hours=tuple(one for one in factories.ALL_DAY_EVERY_DAY if one.weekday != 3),
        )
    )
    rule = SeriesRule(Frequency.DAILY, count=30)
    found = await series.check(place.people["requester"], weekly_text(slug), rule)
    forecasts = {verdict.occurrence.day: verdict.forecast for verdict in found.verdicts}
    assert {day.isoweekday() for day, forecast in forecasts.items() if forecast is Forecast.CLOSED} == {3}
    too_far = [day for day, forecast in forecasts.items() if forecast is Forecast.TOO_FAR]
    assert too_far
    assert max(day for day, forecast in forecasts.items() if forecast is Forecast.FITS) < min(too_far)
    with pytest.raises(SeriesRefused) as refusal:
        await series.create_series(place.people["requester"], weekly_text(slug), rule)
    named = [one["day"] for one in refusal.value.extra["occurrences"]]  # type: ignore[attr-defined]  # a list
    assert [day.isoformat() for day in too_far] == [day for day in named if day in {d.isoformat() for d in too_far}]


async def test_check_names_alternatives_that_are_free_and_not_the_series_own() -> None:
    place = await scene()
    await approved(place, 2)
    daily = SeriesRule(Frequency.DAILY, count=3)
    found = await series.check(place.people["requester"], weekly_text(place.slug), daily)
    assert [verdict.forecast for verdict in found.verdicts] == [Forecast.TAKEN, Forecast.FITS, Forecast.FITS]
    own = [verdict.occurrence.times for verdict in found.verdicts if verdict.occurrence.times]
    for one in found.verdicts[0].alternatives:
        if one["environment"] == place.slug:
            text = weekly_text(place.slug)
            assert text.starts_at is not None
            starts_at = text.starts_at.fromisoformat(one["starts_at"])
            assert not any(start < starts_at + timedelta(hours=2) and end > starts_at for start, end in own[1:])


async def test_check_ahead_takes_a_constant_number_of_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    place = await scene()
    asked: list[str] = []
    fetch = database.fetch

    async def counting(sql: str, *values: object) -> Any:
        asked.append(sql)
        return await fetch(sql, *values)

    await approved(place, 2)
    monkeypatch.setattr(database, "fetch", counting)
    numbers = []
    for times in (2, 60):
        asked.clear()
        rule = SeriesRule(Frequency.DAILY, count=times)
        await series.check(place.people["requester"], weekly_text(place.slug), rule)
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]


async def test_series_that_overlaps_itself_with_buffers_is_refused() -> None:
    place = await scene()
    _, slug = await factories.environment(
        text=EnvironmentText(
            bookable_by=BOOKABLE,
            lead_time_hours=0,
            shortest=5,
            longest=60 * 24,
            buffer_before=30,
            buffer_after=60,
            opening_hours=factories.ALL_DAY_EVERY_DAY,
        )
    )
    daily = SeriesRule(Frequency.DAILY, count=3)
    with pytest.raises(InvalidInput) as refusal:
        await series.create_series(place.people["requester"], weekly_text(slug, hours=23), daily)
    assert "90 minutes are needed" in str(refusal.value.errors[0].message)
    made = await series.create_series(place.people["requester"], weekly_text(slug, hours=22.5), daily, submit=True)
    assert len(made.changed) == 3


async def test_several_environments_are_held_together_or_not_at_all() -> None:
    place = await scene()
    body = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", place.environment_id)
    assert body is not None
    _, other = await factories.environment(body=body["accountable_body"])
    made = await series.create_series(place.people["requester"], weekly_text(place.slug, other), WEEKLY, submit=True)
    await series.move_series(place.people["host"], made.id, "approve")
    assert await states(made.id) == ["confirmed"] * 4
    assert await held(made.id) == 8
    with pytest.raises(SeriesTaken) as refusal:
        await series.create_series(place.people["colleague"], weekly_text(other), WEEKLY)
    assert len(refusal.value.extra["occurrences"]) == 4  # type: ignore[arg-type]  # a list


# --- Steps


async def test_approving_holds_all_times_or_none() -> None:
    place = await scene()
    made = await sent(place, 4)
    await approved(place, 4)
    with pytest.raises(SeriesTaken) as refusal:
        await series.move_series(place.people["host"], made.id, "approve")
    assert [one["number"] for one in refusal.value.extra["occurrences"]] == [3]  # type: ignore[attr-defined]  # a list
    assert await states(made.id) == ["submitted"] * 4
    assert await held(made.id) == 0
    done = await series.move_series(place.people["host"], made.id, "approve", partial=True)
    assert [verdict.occurrence.number for verdict in done.left_out] == [3]
    assert await states(made.id) == ["confirmed", "confirmed", "submitted", "confirmed"]
    assert await held(made.id) == 3


async def test_host_decides_on_chosen_occurrences() -> None:
    place = await scene()
    made = await sent(place, 4)
    await series.move_series(place.people["host"], made.id, "approve", only=made.changed[:2])
    await series.move_series(place.people["host"], made.id, "decline", only=made.changed[3:], reason="Closed then")
    assert await states(made.id) == ["confirmed", "confirmed", "submitted", "declined"]
    # What is chosen is chosen: one for which the step is not possible refuses the others too.
    with pytest.raises(SeriesRefused) as refusal:
        await series.move_series(place.people["host"], made.id, "approve", only=made.changed)
    assert len(refusal.value.extra["occurrences"]) == 3  # type: ignore[arg-type]  # a list
    assert await states(made.id) == ["confirmed", "confirmed", "submitted", "declined"]


async def test_rest_of_a_series_is_cancelled_and_its_times_are_free_again() -> None:
    place = await scene()
    made = await sent(place, 4)
    await series.move_series(place.people["host"], made.id, "approve")
    with pytest.raises(InvalidInput):
        await series.move_series(place.people["requester"], made.id, "cancel", since=made.changed[2])
    done = await series.move_series(
        place.people["requester"], made.id, "cancel", since=made.changed[2], reason="We are done"
    )
    assert done.changed == made.changed[2:]
    assert await states(made.id) == ["confirmed", "confirmed", "cancelled", "cancelled"]
    assert await held(made.id) == 2


async def test_withdrawing_leaves_out_what_is_confirmed() -> None:
    place = await scene()
    made = await sent(place, 3)
    await series.move_series(place.people["host"], made.id, "approve", only=made.changed[:1])
    await series.move_series(place.people["requester"], made.id, "withdraw")
    assert await states(made.id) == ["confirmed", "withdrawn", "withdrawn"]
    with pytest.raises(TransitionNotAllowed):
        await series.move_series(place.people["requester"], made.id, "withdraw")


async def test_what_has_begun_is_not_cancelled_with_the_series() -> None:
    place = await scene()
    made = await sent(place, 3)
    await series.move_series(place.people["host"], made.id, "approve")
    async with database.transaction():
        await series.record(place.people["host"], series.EventType.BOOKING_CHANGED, made.changed[0])
        await database.fetch(
            "UPDATE booking SET starts_at = now() - interval '1 hour', ends_at = now() + interval '1 hour'"
            " WHERE id = $1",
            made.changed[0],
        )
    await series.move_series(place.people["host"], made.id, "cancel", reason="Water damage")
    assert await states(made.id) == ["confirmed", "cancelled", "cancelled"]


async def test_bookings_of_other_series_cannot_be_chosen() -> None:
    place = await scene()
    one, other = await sent(place, 2), await sent(place, 2)
    with pytest.raises(InvalidInput) as refusal:
        await series.move_series(place.people["host"], one.id, "approve", only=[other.changed[0]])
    assert refusal.value.errors[0].field == "bookings"


async def test_draft_is_changed_as_a_whole_and_gets_other_times() -> None:
    place = await scene()
    requester = place.people["requester"]
    made = await series.create_series(requester, weekly_text(place.slug), WEEKLY)
    text = weekly_text(place.slug)
    await series_drafts.change_series(requester, made.id, type(text)(**{**vars(text), "purpose": "Something else"}))
    rows = await database.fetch("SELECT purpose, starts_at FROM booking WHERE series = $1 ORDER BY 2", made.id)
    assert {row["purpose"] for row in rows} == {"Something else"}
    assert len({row["starts_at"] for row in rows}) == 4
    first = await series_drafts.replace_draft(requester, made.changed[0], text, SeriesRule(Frequency.DAILY, count=2))
    row = await database.fetch_one("SELECT series FROM booking WHERE id = $1", first)
    assert row is not None
    assert await states(row["series"]) == ["draft", "draft"]
    with pytest.raises(NotFound):
        await series_view.get_series(requester, made.id)
    single = await series_drafts.replace_draft(requester, first, text, None)
    row = await database.fetch_one("SELECT series FROM booking WHERE id = $1", single)
    assert row is not None
    assert row["series"] is None
    await service.move_booking(requester, single, "submit")
    with pytest.raises(RuleBroken):
        await series_drafts.replace_draft(requester, single, text, WEEKLY)


# --- Who may


READERS = {"requester", "colleague", "host", "legal", "auditor"}


@pytest.mark.parametrize(
    "who",
    ["requester", "colleague", "other_firm", "employee", "host", "other_host", "procurement", "legal", "auditor"],
)
async def test_role_reads_and_decides_on_a_series(who: str) -> None:
    place = await scene()
    made = await sent(place, 2)
    actor = place.people[who]
    if who not in READERS:
        with pytest.raises(NotFound):
            await series_view.get_series(actor, made.id)
        with pytest.raises(NotFound):
            await series.move_series(actor, made.id, "approve")
        return
    view = await series_view.get_series(actor, made.id)
    expected = {"host": {"approve", "request_changes", "decline"}, "requester": {"withdraw"}, "colleague": {"withdraw"}}
    assert set(view.actions) == expected.get(who, set())
    for action in ("approve", "withdraw"):
        if action not in view.actions:
            with pytest.raises(NotPermitted):
                await series.move_series(actor, made.id, action, reason="x")
    assert await states(made.id) == ["submitted"] * 2


async def test_nobody_decides_on_a_series_of_their_own() -> None:
    place = await scene()
    body = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", place.environment_id)
    assert body is not None
    both = await factories.person(
        factories.Role.EMPLOYEE, factories.Role.HOST, organisation_id=body["accountable_body"]
    )
    made = await series.create_series(both, weekly_text(place.slug), WEEKLY, submit=True)
    with pytest.raises(NotPermitted):
        await series.move_series(both, made.id, "approve")


async def test_visitor_signs_in_first() -> None:
    place = await scene()
    made = await sent(place, 2)
    with pytest.raises(NotSignedIn):
        await series_view.get_series(Actor(), made.id)
    with pytest.raises(NotSignedIn):
        await series.create_series(Actor(), weekly_text(place.slug), WEEKLY)


async def test_reading_through_a_role_that_reads_all_is_logged_once() -> None:
    place = await scene()
    made = await sent(place, 5)
    await series_view.get_series(place.people["auditor"], made.id)
    rows = await database.fetch(
        "SELECT 1 FROM audit_event WHERE type = 'booking_series.read' AND subject_id = $1", str(made.id)
    )
    assert len(rows) == 1


# --- Races


async def _tried(work: Any) -> bool:
    try:
        await work
    except TimeTaken:
        return False
    return True


async def test_race_of_a_series_against_single_bookings_ends_with_one_holder_of_each_time() -> None:
    for _ in range(5):
        place = await scene()
        made = await sent(place, 4)
        text = weekly_text(place.slug, starts_at=monday(4))
        singles = [await service.create_booking(place.people["colleague"], text, submit=True) for _ in range(3)]
        host = place.people["host"]
        results = await asyncio.gather(
            _tried(series.move_series(host, made.id, "approve")),
            *(_tried(service.move_booking(host, one, "approve")) for one in singles),
        )
        assert sum(results) == 1
        found = await states(made.id)
        assert found in (["confirmed"] * 4, ["submitted"] * 4)
        assert (found[0] == "confirmed") == results[0]
        assert await held(made.id) == (4 if results[0] else 0)


async def test_race_of_two_series_ends_with_one_whole_and_one_without_any() -> None:
    for _ in range(5):
        place = await scene()
        # They share two of four Mondays, and want them in the opposite order of their numbers.
        one = await sent(place, 4)
        other = await sent(place, 4, starts_at=monday(4))
        host = place.people["host"]
        results = await asyncio.gather(
            _tried(series.move_series(host, one.id, "approve")), _tried(series.move_series(host, other.id, "approve"))
        )
        assert sorted(results) == [False, True]
        assert sorted([await held(one.id), await held(other.id)]) == [0, 4]


async def test_series_of_more_people_than_there_is_room_for_is_foretold_and_refused_with_the_reason() -> None:
    place = await scene()
    async with database.transaction():
        await record(SYSTEM, EventType.ENVIRONMENT_CHANGED, place.environment_id)
        await database.fetch("UPDATE environment SET most_participants = 5 WHERE id = $1", place.environment_id)
    requester = place.people["requester"]
    text = replace(weekly_text(place.slug), participants=6)
    found = await series.check(requester, text, WEEKLY)
    assert [one.forecast for one in found.verdicts] == [Forecast.NOT_BOOKABLE] * 4
    assert all(one.reason is not None for one in found.verdicts)
    with pytest.raises(SeriesRefused):
        await series.create_series(requester, text, WEEKLY, submit=True)
    enough = replace(weekly_text(place.slug), participants=5)
    assert all(one.fits for one in (await series.check(requester, enough, WEEKLY)).verdicts)
