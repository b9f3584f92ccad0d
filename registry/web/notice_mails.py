"""Writing what people are told of their bookings into mails: one event, or all that has been gathered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from registry import database
from registry.access import Actor
from registry.accounts.queries import actor_of_person
from registry.bookings import move_requests, notices, queries
from registry.bookings.codes import NoticeEvent, NoticePace, Part
from registry.bookings.notices import WaitingNotice
from registry.bookings.queries import BookingRow
from registry.bookings.states import BookingState
from registry.entries.queries import EntryView, environments_by_id
from registry.errors import N_, message
from registry.mail.message import Attachment
from registry.web import language
from registry.web.booking_calendar import calendar_file, place_of
from registry.web.labels import label
from registry.web.mails import send_mail
from registry.web.notice_texts import HEADINGS, LISTS_MISSING, TEXTS

DAILY_HOUR = 8
# What a host does from the page of the booking instead of the desk.
_ON_THE_PAGE = frozenset({NoticeEvent.MOVE_ASKED, NoticeEvent.OUTCOME_AGREED, NoticeEvent.OUTCOME_REMOVED})
# These carry the booking for the reader's calendar.
_FOR_CALENDARS = frozenset({NoticeEvent.CONFIRMED, NoticeEvent.CANCELLED, NoticeEvent.MOVED, NoticeEvent.HANDED_OVER})
_IN_CALENDARS = frozenset({BookingState.CONFIRMED, BookingState.IN_PROGRESS, BookingState.CANCELLED})
# A moved booking may wait for agreements at its new time; the old one has to leave the calendar all the same.
_IN_CALENDARS_WHEN_MOVED = _IN_CALENDARS | {BookingState.APPROVED}


@dataclass(frozen=True)
class Line:
    """What a mail says about one event. `links` are paths with words, `missing` titles with explanations."""

    heading: str
    text: str
    reason: str
    missing: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    links: list[tuple[str, str]]


async def handle_send_notices(payload: Mapping[str, Any]) -> None:
    """The job SEND_NOTICES: `{"person_id": …}`. What comes in a pause stays for `send_gathered`."""
    await send_waiting(int(payload["person_id"]), datetime.now(UTC))


async def send_gathered(now: datetime) -> None:
    """Send what has been gathered in pauses that are over. `now` is in UTC."""
    for person_id in await notices.people_waiting(paces=[NoticePace.AT_ONCE, NoticePace.NEEDED]):
        await send_waiting(person_id, now)


async def send_daily(now: datetime) -> None:
    """Send the day's mail, if it is between 8 and 9 in Stockholm. `now` is in UTC."""
    if language.local(now).hour == DAILY_HOUR:
        for person_id in await notices.people_waiting(paces=[NoticePace.DAILY]):
            await send_waiting(person_id, now, daily=True)


async def send_waiting(person_id: int, now: datetime, *, daily: bool = False) -> None:
    """Write one mail of all that waits for a person. It is stored with the mark that it is told, so never twice."""
    async with database.transaction():
        waiting = await notices.take_waiting(person_id, now, daily=daily)
        reader = await actor_of_person(person_id)
        if not waiting or reader is None:
            return
        before = language.current_language()
        language.use_language(reader.language)
        try:
            await _mail(reader, waiting, now)
        finally:
            language.use_language(before)


async def _mail(reader: Actor, waiting: Sequence[WaitingNotice], now: datetime) -> None:
    bookings = await queries.bookings_by_id([one.booking_id for one in waiting])
    environments = await environments_by_id({one.id for booking in bookings.values() for one in booking.environments})
    lines = [await _line(one, bookings[one.booking_id], environments) for one in waiting]
    await send_mail(
        reader.email,
        reader.language,
        "notices",
        attachments=_files(waiting, bookings, environments, now),
        lines=lines,
        total=len(lines),
    )


def _files(
    waiting: Sequence[WaitingNotice],
    bookings: Mapping[Any, BookingRow],
    environments: Mapping[int, EntryView],
    now: datetime,
) -> list[Attachment]:
    """One file for each booking, of what it is now."""
    found = {}
    for one in waiting:
        booking = bookings[one.booking_id]
        is_theirs = one.part in {Part.REQUESTER, Part.HOST}
        shown = _IN_CALENDARS_WHEN_MOVED if one.event is NoticeEvent.MOVED else _IN_CALENDARS
        if is_theirs and one.event in _FOR_CALENDARS and BookingState(booking.state) in shown:
            found[booking.id] = calendar_file(booking, environments, for_host=one.part is Part.HOST, now=now)
    return list(found.values())


async def _line(notice: WaitingNotice, booking: BookingRow, environments: Mapping[int, EntryView]) -> Line:
    missing = await queries.missing_for(booking.row) if notice.event in LISTS_MISSING else []
    wish = await move_requests.open_wish(booking.id) if notice.event is NoticeEvent.MOVE_ASKED else None
    values = {
        "wanted": language.show_interval(wish.starts_at, wish.ends_at) if wish else language.gettext("another time"),
        "environment": ", ".join(language.in_language(one, "title") for one in booking.environments),
        "interval": language.show_interval(booking.starts_at, booking.ends_at) if booking.starts_at else "",
        "organisation": language.in_language(booking.row, "organisation_name"),
        "requester": booking.requester_name,
        "until": language.show_date(booking.hold_until) if booking.hold_until else "",
        "decision": label(booking.outcome_decision, "outcome") if booking.outcome_decision else "",
        "about": notice.about or "",
        "day": language.show_date(notice.about) if notice.about else "",
        "end": language.show_datetime(booking.ends_at) if booking.ends_at else "",
    }
    key = (notice.event, notice.part)
    return Line(
        heading=language.say(message(HEADINGS[key], **values)),
        text=language.say(message(TEXTS[key], **values)),
        reason=notice.reason or (booking.outcome_text if notice.event is NoticeEvent.OUTCOME_RECORDED else ""),
        missing=[
            # What is said to the firm is not said to others in the same words.
            (
                language.in_language(one, "title"),
                language.say(one.explanation) if notice.part is Part.REQUESTER else label(one.next_actor, "next_actor"),
            )
            for one in missing
        ],
        facts=_facts(notice, booking, environments),
        links=_links(notice, booking, [one.agreement_id for one in missing if one.agreement_id]),
    )


def _facts(notice: WaitingNotice, booking: BookingRow, environments: Mapping[int, EntryView]) -> list[tuple[str, str]]:
    places = dict.fromkeys(place_of(environments[one.id]) for one in booking.environments)
    facts = [
        (language.gettext("Time"), language.show_interval(booking.starts_at, booking.ends_at)),
        (language.gettext("Place"), "; ".join(place for place in places if place)),
    ]
    if notice.part is Part.HOST:
        facts += [
            (language.gettext("Contact"), booking.requester_name),
            (language.gettext("What you will test"), booking.purpose if notice.event is NoticeEvent.SUBMITTED else ""),
        ]
    return [(name, value) for name, value in facts if value]


def _links(notice: WaitingNotice, booking: BookingRow, agreements: Sequence[object]) -> list[tuple[str, str]]:
    slug = booking.environments[0].slug
    if notice.part is Part.COORDINATOR:
        return [(f"/entries/{slug}", language.gettext("Open the environment"))]
    if notice.event is NoticeEvent.IP_OPENED:
        return [(f"/desk/ip-assessments/{booking.id}", language.gettext("Open the IP assessment"))]
    if notice.part is Part.LEGAL:
        pages = [(f"/desk/agreements/{one}", language.gettext("Open the agreement")) for one in agreements]
        return [*pages, (f"/bookings/{booking.id}", language.gettext("Open the booking"))]
    if notice.part is Part.HOST:
        if notice.event in _ON_THE_PAGE:
            return [(f"/bookings/{booking.id}", language.gettext("Open the booking"))]
        decides = {NoticeEvent.SUBMITTED, NoticeEvent.LAPSED, NoticeEvent.OFFER_ACCEPTED}
        texts = dict.fromkeys(decides, N_("Decide on the request"))
        return [(f"/desk/bookings/{booking.id}", language.gettext(texts.get(notice.event, N_("Open the booking"))))]
    words = N_("Accept or decline") if notice.event is NoticeEvent.OFFERED else N_("Open the booking")
    found = [(f"/bookings/{booking.id}", language.gettext(words))]
    if notice.event in {NoticeEvent.DECLINED, NoticeEvent.OFFER_LAPSED, NoticeEvent.WAIT_ENDED}:
        found += [
            (f"/bookings/new?environment={slug}", language.gettext("Look for another time")),
            ("/search", language.gettext("Search for another environment")),
        ]
    return found
