"""What a test showed: effects in four perspectives, and a text that is published only with consent."""

from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from registry import database
from registry.access import Actor
from registry.audit.queries import events_of
from registry.bookings import outcomes
from registry.bookings.codes import EffectLevel, OutcomeDecision
from registry.bookings.outcomes import Effect, Outcome
from registry.bookings.states import BookingState
from registry.entries.codes import Perspective
from registry.errors import InvalidInput, NotFound, NotPermitted, RuleBroken, TransitionNotAllowed
from tests.factories_bookings import Scene, booking_in, scene

S = BookingState
SEES_NOTHING = {"other_firm", "employee", "other_host", "procurement", "coordinator"}
REQUESTERS = {"requester", "colleague"}
EFFECTS = (
    Effect(Perspective.QUALITY, EffectLevel.BETTER, "Fewer missed alarms"),
    Effect(Perspective.EVERYDAY_SERVICES, EffectLevel.NO_DIFFERENCE, "Patients noticed nothing"),
    Effect(Perspective.INSIGHT, EffectLevel.NOT_MEASURED),
)
WHOLE = Outcome(OutcomeDecision.ITERATE, "Quieter nights", EFFECTS, Decimal("7.5"))


async def recorded(place: Scene) -> UUID:
    booking_id = await booking_in(place, S.COMPLETED)
    await outcomes.record_outcome(place.people["host"], booking_id, WHOLE)
    return booking_id


async def published(place: Scene) -> UUID:
    booking_id = await recorded(place)
    await outcomes.write_text(place.people["requester"], booking_id, text_sv="Tystare nätter.", text_en="")
    await outcomes.publish(place.people["host"], booking_id)
    return booking_id


async def test_outcome_has_effects_in_the_order_of_the_perspectives() -> None:
    place = await scene()
    booking_id = await recorded(place)
    effects = (await outcomes.effects_of([booking_id]))[booking_id]
    assert [one.perspective.value for one in effects] == ["everyday_services", "quality", "insight"]
    assert effects[1] == EFFECTS[0]
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    assert row is not None
    assert (row["state"], row["outcome_hours"], row["outcome_text"]) == (
        "outcome_recorded",
        Decimal("7.5"),
        "Quieter nights",
    )
    last = (await events_of("booking", booking_id))[-1]
    assert (last.type, last.data["effects"]["quality"]) == ("booking.outcome_recorded", "better")


BAD = [
    Outcome(None, "text"),
    Outcome(OutcomeDecision.STOP, effects=(Effect(Perspective.QUALITY, EffectLevel.WORSE),)),
    Outcome(OutcomeDecision.STOP, effects=(EFFECTS[0], EFFECTS[0])),
    Outcome(OutcomeDecision.STOP, hours=Decimal(-1)),
    Outcome(OutcomeDecision.STOP, hours=Decimal(10_001)),
]


@pytest.mark.parametrize("outcome", BAD)
async def test_malformed_outcome_is_refused_and_nothing_is_stored(outcome: Outcome) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.COMPLETED)
    with pytest.raises(InvalidInput):
        await outcomes.record_outcome(place.people["host"], booking_id, outcome)
    row = await database.fetch_one("SELECT state FROM booking WHERE id = $1", booking_id)
    assert row is not None
    assert row["state"] == "completed"
    assert await outcomes.effects_of([booking_id]) == {booking_id: []}


async def test_outcome_is_recorded_once() -> None:
    place = await scene()
    booking_id = await recorded(place)
    with pytest.raises(TransitionNotAllowed):
        await outcomes.record_outcome(place.people["host"], booking_id, WHOLE)


async def _step(action: str, actor: Actor, booking_id: UUID) -> None:
    if action == "write_text":
        await outcomes.write_text(actor, booking_id, text_sv="Ny text", text_en="")
    else:
        await getattr(outcomes, action)(actor, booking_id)


MAY = {
    "write_text": REQUESTERS | {"host"},
    "agree": REQUESTERS,
    "publish": {"host"},
    "remove": REQUESTERS | {"host"},
}


@pytest.mark.parametrize("action", list(MAY))
async def test_each_role_in_each_step_of_publishing(action: str) -> None:
    place = await scene()
    for name, actor in place.people.items():
        booking_id = await recorded(place)
        if action == "agree":
            await outcomes.write_text(place.people["host"], booking_id, text_sv="Text", text_en="")
        if action in {"publish", "remove"}:
            await outcomes.write_text(place.people["requester"], booking_id, text_sv="Text", text_en="")
        if action == "remove":
            await outcomes.publish(place.people["host"], booking_id)
        if name in MAY[action]:
            await _step(action, actor, booking_id)
        else:
            with pytest.raises(NotFound if name in SEES_NOTHING else NotPermitted):
                await _step(action, actor, booking_id)


async def test_outcome_is_confidential_until_both_sides_want_it_public() -> None:
    place = await scene()
    booking_id = await recorded(place)
    assert await outcomes.published_on(place.environment_id) == []
    await outcomes.write_text(place.people["host"], booking_id, text_sv="Det blev tystare.", text_en="It got quieter.")
    with pytest.raises(RuleBroken, match="agreed"):
        await outcomes.publish(place.people["host"], booking_id)
    assert await outcomes.published_on(place.environment_id) == []
    await outcomes.agree(place.people["colleague"], booking_id)
    await outcomes.publish(place.people["host"], booking_id)
    (shown,) = await outcomes.published_on(place.environment_id)
    assert (shown.text_sv, shown.decision, len(shown.effects)) == ("Det blev tystare.", OutcomeDecision.ITERATE, 3)


async def test_new_text_takes_the_consent_away_and_the_page_down() -> None:
    place = await scene()
    booking_id = await published(place)
    await outcomes.write_text(place.people["host"], booking_id, text_sv="Något annat", text_en="")
    assert await outcomes.published_on(place.environment_id) == []
    with pytest.raises(RuleBroken):
        await outcomes.publish(place.people["host"], booking_id)


async def test_consent_taken_back_takes_the_text_down_at_once_and_the_log_tells_who() -> None:
    place = await scene()
    booking_id = await published(place)
    await outcomes.remove(place.people["colleague"], booking_id)
    assert await outcomes.published_on(place.environment_id) == []
    with pytest.raises(RuleBroken):
        await outcomes.publish(place.people["host"], booking_id)
    events = [(event.type, event.actor) for event in await events_of("booking", booking_id)][-3:]
    assert events == [
        ("booking.outcome_text_written", place.people["requester"].name),
        ("booking.outcome_published", place.people["host"].name),
        ("booking.outcome_removed", place.people["colleague"].name),
    ]


async def test_host_who_takes_it_down_can_publish_it_again_without_asking_anew() -> None:
    place = await scene()
    booking_id = await published(place)
    await outcomes.remove(place.people["host"], booking_id)
    assert await outcomes.published_on(place.environment_id) == []
    await outcomes.publish(place.people["host"], booking_id)
    assert len(await outcomes.published_on(place.environment_id)) == 1


@pytest.mark.parametrize("action", ["agree", "publish", "remove"])
async def test_step_without_a_text_is_refused_with_what_to_do(action: str) -> None:
    place = await scene()
    booking_id = await recorded(place)
    actor = place.people["host" if action == "publish" else "requester"]
    with pytest.raises(RuleBroken):
        await _step(action, actor, booking_id)


async def test_nothing_is_published_before_an_outcome_is_recorded() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.COMPLETED)
    with pytest.raises(RuleBroken, match="Record it first"):
        await outcomes.write_text(place.people["host"], booking_id, text_sv="Text", text_en="")
    with pytest.raises(InvalidInput):
        await outcomes.write_text(place.people["host"], booking_id, text_sv="", text_en="")


async def test_database_refuses_what_nobody_has_agreed_to() -> None:
    place = await scene()
    booking_id = await recorded(place)
    await outcomes.write_text(place.people["host"], booking_id, text_sv="Text", text_en="")
    with pytest.raises(asyncpg.CheckViolationError):
        await database.fetch(
            "UPDATE outcome_publication SET published_at = now(), published_by = $2 WHERE booking = $1",
            booking_id,
            place.people["host"].person_id,
        )


async def test_both_sides_are_told_of_what_waits_for_them() -> None:
    place = await scene()
    booking_id = await recorded(place)
    await outcomes.write_text(place.people["host"], booking_id, text_sv="Text", text_en="")
    await outcomes.agree(place.people["requester"], booking_id)
    await outcomes.publish(place.people["host"], booking_id)
    await outcomes.remove(place.people["requester"], booking_id)
    rows = await database.fetch("SELECT event, person FROM notice WHERE booking = $1 ORDER BY id", booking_id)
    requester, host = place.people["requester"].person_id, place.people["host"].person_id
    told = [(row["event"], row["person"]) for row in rows if row["event"] != "outcome_recorded"]
    assert told == [
        ("outcome_proposed", requester),
        ("outcome_agreed", host),
        ("outcome_published", requester),
        ("outcome_removed", host),
    ]
