"""Commands on series of bookings. Each occurrence is a booking of its own, and the database holds each of them.

All or nothing unless somebody chooses otherwise: what one occurrence is refused, none gets.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from registry import database, transitions
from registry.access import Actor, Permission, require
from registry.agreements import service as agreements
from registry.agreements.queries import MissingAgreement, missing_agreements
from registry.audit.service import EventType, record
from registry.bookings import holds, queries, requests, rules, series_view, service
from registry.bookings.codes import Forecast, Frequency
from registry.bookings.look_ahead import Verdict, buffers_of, look_ahead, refusal_of, said
from registry.bookings.openings import STOCKHOLM
from registry.bookings.recurrence import Expansion, Occurrence, SeriesRule, expand, require_apart
from registry.bookings.requests import BookingText
from registry.bookings.rules import BookingFacts
from registry.bookings.states import TRANSITIONS, BookingState
from registry.bookings.tables import Booking, BookingEnvironment, BookingSeries
from registry.entries.codes import Audience
from registry.entries.queries import EntryView
from registry.errors import (
    N_,
    DomainError,
    FieldError,
    InvalidInput,
    NotFound,
    NotPermitted,
    RuleBroken,
    TimeTaken,
    TransitionNotAllowed,
    invalid,
    message,
)


@dataclass(frozen=True)
class Check:
    """What would become of a request, before anything is stored."""

    environments: list[EntryView]
    verdicts: list[Verdict]
    expansion: Expansion
    missing: list[MissingAgreement]


@dataclass(frozen=True)
class Outcome:
    """What became of a series: its id, the bookings that were changed, and the times that were left out and why."""

    id: UUID
    changed: list[UUID]
    left_out: list[Verdict]


async def check(
    actor: Actor, text: BookingText, rule: SeriesRule | None, *, organisation_id: int | None = None
) -> Check:
    """What is to be expected of a request for one time, or for a series with a rule. Nothing is stored.

    Raises:
        NotPermitted, NotFound, InvalidInput: as `create_series` does.
    """
    require(actor, Permission.BOOKING_CREATE)
    organisation, audience = requests.booker(actor, organisation_id)
    environments = await requests.environments_asked(actor, text.environments)
    requests.columns_of(text, audience)
    expansion = _expanded(text, rule, environments)
    verdicts = await look_ahead(actor, environments, audience, expansion.occurrences, participants=text.participants)
    times = [one.times for one in expansion.occurrences if one.times]
    missing = (
        await missing_agreements(organisation, audience, [one.id for one in environments], times[0][0], times[-1][1])
        if times
        else []
    )
    return Check(environments, verdicts, expansion, missing)


def _expanded(text: BookingText, rule: SeriesRule | None, environments: Sequence[EntryView]) -> Expansion:
    if text.starts_at is None or text.ends_at is None:
        names = [name for name in ("starts_at", "ends_at") if getattr(text, name) is None]
        raise InvalidInput([FieldError(name, requests.MISSING) for name in names])
    if rule is None:
        day = text.starts_at.astimezone(STOCKHOLM).date()
        return Expansion([Occurrence(1, day, (text.starts_at, text.ends_at))], [])
    expansion = expand(rule, text.starts_at, text.ends_at)
    require_apart(expansion.occurrences, buffers_of(environments))
    return expansion


async def create_series(
    actor: Actor,
    text: BookingText,
    rule: SeriesRule,
    *,
    organisation_id: int | None = None,
    submit: bool = False,
    partial: bool = False,
) -> Outcome:
    """Create a booking for each occurrence of a series as drafts, and send them if `submit`.

    All or nothing; with `partial` the times that cannot be had are left out, as long as one is left.

    Raises:
        NotPermitted: the actor books for no organisation.
        NotFound: an environment is unknown or may not be seen.
        InvalidInput: something is missing or malformed, or the rule contradicts itself.
        SeriesTaken, SeriesRefused: which times cannot be had and why, with alternatives.
    """
    require(actor, Permission.BOOKING_CREATE)
    organisation, audience = requests.booker(actor, organisation_id)
    async with database.transaction():
        environments = await requests.environments_asked(actor, text.environments)
        columns = requests.columns_of(text, audience)
        expansion = _expanded(text, rule, environments)
        verdicts = await look_ahead(
            actor, environments, audience, expansion.occurrences, participants=text.participants
        )
        fitting = [verdict.occurrence for verdict in verdicts if verdict.fits]
        if not fitting or (len(fitting) < len(verdicts) and not partial):
            raise refusal_of(verdicts)
        series_id = await _insert_series(text, rule)
        who = {"requester": actor.person_id, "organisation": organisation, "audience": audience.value}
        rows = await _insert_bookings(actor, series_id, {**columns, **who}, fitting, environments)
        left_out = [verdict for verdict in verdicts if not verdict.fits]
        await record(actor, EventType.SERIES_CREATED, series_id, {"bookings": len(rows), "left_out": len(left_out)})
        if submit:
            left_out += await _send_new(actor, series_id, rows, partial=partial)
        if left_out:
            await _note_left_out(series_id, left_out)
    gone = {verdict.occurrence.number for verdict in left_out}
    return Outcome(series_id, [row["id"] for row in rows if row["occurrence"] not in gone], left_out)


async def _insert_series(text: BookingText, rule: SeriesRule) -> UUID:
    series = BookingSeries(
        id=uuid4(),
        frequency=rule.frequency.value,
        every=rule.every,
        weekdays=sorted(rule.weekdays),
        monthly_by=rule.monthly_by.value if rule.frequency is Frequency.MONTHLY else None,
        until=rule.until,
        times=rule.count,
        exceptions=sorted(rule.exceptions),
        starts_at=text.starts_at,
        ends_at=text.ends_at,
    )
    await BookingSeries.insert(series)
    series_id: UUID = series.id
    return series_id


async def _insert_bookings(
    actor: Actor,
    series_id: UUID,
    columns: Mapping[str, Any],
    occurrences: Sequence[Occurrence],
    environments: Sequence[EntryView],
) -> list[Mapping[str, Any]]:
    bookings = []
    for one in occurrences:
        starts_at, ends_at = one.times or (None, None)
        times = {"starts_at": starts_at, "ends_at": ends_at, "series": series_id, "occurrence": one.number}
        bookings.append(Booking(**{**columns, **times}, id=uuid4()))
    await Booking.insert(*bookings)
    await BookingEnvironment.insert(
        *[
            BookingEnvironment(booking=booking.id, environment=environment.id)
            for booking in bookings
            for environment in environments
        ]
    )
    slugs = [environment.slug for environment in environments]
    for booking in bookings:
        data = {"environments": slugs, "series": str(series_id), "occurrence": booking.occurrence}
        await record(actor, EventType.BOOKING_CREATED, booking.id, data)
    return await _locked(series_id)


async def _send_new(
    actor: Actor, series_id: UUID, rows: Sequence[Mapping[str, Any]], *, partial: bool
) -> list[Verdict]:
    """Send bookings that have just been created; what the database refuses is left out again, or all is."""
    await _open_agreements(actor, rows)
    taken, refused = await _take_each(actor, rows, "submit")
    if refused and (not taken or not partial):
        raise _refusal(rows, refused)
    gone = [row["id"] for row, _ in refused]
    if gone:
        await record(actor, EventType.SERIES_CHANGED, series_id, {"left_out": [str(id) for id in gone]})
        await database.fetch("DELETE FROM booking WHERE id = ANY ($1)", gone)
    await _tell(actor, taken, "submit")
    return [_verdict(row, error) for row, error in refused]


async def _note_left_out(series_id: UUID, left_out: Sequence[Verdict]) -> None:
    names = ("day", "starts_at", "ends_at", "forecast")
    noted = [{name: said(one)[name] for name in names} for one in left_out]
    await database.fetch(
        "UPDATE booking_series SET left_out = $2::jsonb WHERE id = $1", series_id, json.dumps(noted, default=str)
    )


# --- Steps of the state table


async def move_series(
    actor: Actor,
    series_id: UUID,
    action: str,
    *,
    only: Sequence[UUID] | None = None,
    since: UUID | None = None,
    reason: str = "",
    partial: bool = False,
) -> Outcome:
    """Take a step of the state table with several occurrences, in one transaction: all or nothing unless `partial`.

    With all that the step is possible for; or with those from one booking on (`since`), the rest of the series; or
    with `only` these. `withdraw` and `cancel` leave alone what has begun.

    Raises:
        NotFound: there is no such series, or the actor may see none of it. NotPermitted; InvalidInput: a reason is
            missing, or a booking is not in the series.
        TransitionNotAllowed: the step is possible for none of them.
        SeriesTaken, SeriesRefused: which ones it is not possible for, and why.
    """
    async with database.transaction():
        rows = await chosen(actor, series_id, action, only, since)
        refused: list[tuple[Mapping[str, Any], DomainError]] = []
        if action == "submit":
            rows, refused = await _fitting(actor, rows)
            if rows and (partial or not refused):
                await _open_agreements(actor, rows)
        taken, more = await _take_each(actor, rows, action, reason) if partial or not refused else ([], [])
        refused += more
        if refused and (not taken or not partial):
            raise _refusal([*rows, *(row for row, _ in refused if row not in rows)], refused)
        changed = [row["id"] for row, _ in taken]
        data = {"action": action, "bookings": [str(id) for id in changed]}
        await record(actor, EventType.SERIES_CHANGED, series_id, data)
        await _tell(actor, taken, action, reason)
    return Outcome(series_id, changed, [_verdict(row, error) for row, error in refused])


async def forecast(actor: Actor, series_id: UUID) -> list[Verdict]:
    """What would become of the bookings of a series that have not been sent, if they were sent now.

    Raises:
        NotFound, NotPermitted, TransitionNotAllowed: as `move_series` does.
    """
    async with database.transaction():
        rows = await chosen(actor, series_id, "submit", None, None)
        environments = await holds.environments_of(rows[0]["id"])
        return await look_ahead(
            actor,
            environments,
            rows[0]["audience"],
            [_occurrence(row) for row in rows],
            participants=rows[0]["participants"],
        )


async def chosen(
    actor: Actor, series_id: UUID, action: str, only: Sequence[UUID] | None, since: UUID | None
) -> list[Mapping[str, Any]]:
    """The rows that a step is to be taken with, locked; raises as `move_series` does."""
    rows = await _locked(series_id)
    facts = await queries.facts_of_all(rows)
    rows = [row for row in rows if rules.can_read.allows(actor, facts[row["id"]])]
    if not rows:
        raise NotFound
    ids = [row["id"] for row in rows]
    if unknown := [id for id in [*(only or []), *([since] if since else [])] if id not in ids]:
        raise invalid("bookings", N_("The booking %(id)s is not in this series."), id=unknown[0])
    if only is not None:
        return [row for row in rows if row["id"] in only]
    first = ids.index(since) if since else 0
    found = [row for row in rows[first:] if series_view.possible(actor, action, facts[row["id"]])]
    if not found:
        raise _why_none(actor, action, facts[ids[first]])
    return found


def _why_none(actor: Actor, action: str, facts: BookingFacts) -> DomainError:
    """Why a step is possible for no booking of a series, as the first of them says."""
    try:
        transitions.apply(TRANSITIONS, action, facts.state)
    except TransitionNotAllowed as error:
        return error
    if refusal := rules.can_take[action](actor, facts):
        return NotPermitted(refusal)
    return RuleBroken(message(N_("There is nothing left in the series for which this is possible.")))


async def _locked(series_id: UUID) -> list[Mapping[str, Any]]:
    # Not FOR UPDATE: whoever holds a site deals its held times anew, and these refer to bookings.
    rows = await database.fetch(
        "SELECT * FROM booking WHERE series = $1 ORDER BY occurrence FOR NO KEY UPDATE", series_id
    )
    return [dict(row) for row in rows]


async def _fitting(
    actor: Actor, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[tuple[Mapping[str, Any], DomainError]]]:
    """Those bookings whose times can be had by now, and the others with the reason and what is free instead."""
    environments = await holds.environments_of(rows[0]["id"])
    audience = Audience(rows[0]["audience"])
    verdicts = await look_ahead(
        actor, environments, audience, [_occurrence(row) for row in rows], participants=rows[0]["participants"]
    )
    pairs = list(zip(rows, verdicts, strict=True))
    refused: list[tuple[Mapping[str, Any], DomainError]] = []
    for row, verdict in pairs:
        if not verdict.fits:
            detail = verdict.reason or holds.TAKEN
            is_taken = verdict.forecast is Forecast.TAKEN
            refused.append((row, TimeTaken(detail, verdict.alternatives) if is_taken else RuleBroken(detail)))
    return [row for row, verdict in pairs if verdict.fits], refused


_Taken = list[tuple[Mapping[str, Any], BookingState]]


async def _take_each(
    actor: Actor, rows: Sequence[Mapping[str, Any]], action: str, reason: str = ""
) -> tuple[_Taken, list[tuple[Mapping[str, Any], DomainError]]]:
    """Take a step with each booking; what one is refused leaves the others as they are. Malformed input is raised."""
    taken: _Taken = []
    refused: list[tuple[Mapping[str, Any], DomainError]] = []
    for row in rows:
        before = await database.current_transaction().savepoint()
        try:
            taken.append((row, await service.take_step(actor, row, action, reason=reason)))
            await before.release()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
        except (InvalidInput, NotPermitted):
            raise
        except DomainError as error:
            await before.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
            refused.append((row, error))
    return taken, refused


def _refusal(
    rows: Sequence[Mapping[str, Any]], refused: Sequence[tuple[Mapping[str, Any], DomainError]]
) -> DomainError:
    if len(refused) == len(rows) and all(isinstance(error, TransitionNotAllowed) for _, error in refused):
        return refused[0][1]
    errors = {row["id"]: error for row, error in refused}
    in_order = sorted(rows, key=lambda row: row["occurrence"])
    return refusal_of([_verdict(row, errors.get(row["id"])) for row in in_order])


def _verdict(row: Mapping[str, Any], error: DomainError | None) -> Verdict:
    if error is None:
        return Verdict(_occurrence(row), Forecast.FITS, None, [])
    is_taken = isinstance(error, TimeTaken)
    alternatives: Any = error.extra.get("alternatives", [])
    return Verdict(
        _occurrence(row), Forecast.TAKEN if is_taken else Forecast.NOT_BOOKABLE, error.detail, list(alternatives)
    )


def _occurrence(row: Mapping[str, Any]) -> Occurrence:
    day = row["starts_at"].astimezone(STOCKHOLM).date()
    return Occurrence(row["occurrence"], day, (row["starts_at"], row["ends_at"]))


async def _tell(actor: Actor, taken: _Taken, action: str, reason: str = "") -> None:
    # One notice for each booking; those of a series become one line of one mail.
    for row, state in taken:
        await service.tell_of_step(actor, row, action, state, reason)


async def _open_agreements(actor: Actor, rows: Sequence[Mapping[str, Any]]) -> None:
    """Have the agreements prepared that the whole series needs, so that each of them is valid until its end."""
    await agreements.open_missing(
        actor,
        organisation_id=rows[0]["organisation"],
        audience=rows[0]["audience"],
        entry_ids=[environment.id for environment in await holds.environments_of(rows[0]["id"])],
        starts_at=rows[0]["starts_at"],
        ends_at=rows[-1]["ends_at"],
    )
