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
from registry.web.booking_calendar import calendar_files, place_of
from registry.web.labels import label
from registry.web.mails import send_mail
from registry.web.notice_texts import HEADINGS, LISTS_MISSING, TEXTS

DAILY_HOUR = 8
# What a host does from the page of the booking instead of the desk.
_ON_THE_PAGE = frozenset({NoticeEvent.MOVE_ASKED, NoticeEvent.OUTCOME_AGREED, NoticeEvent.OUTCOME_REMOVED})
# These carry the booking for the reader's calendar.
_FOR_CALENDARS = frozenset({NoticeEvent.CONFIRMED, NoticeEvent.CANCELLED, NoticeEvent.MOVED, NoticeEvent.HANDED_OVER})
# These are about a moment of their own, so each booking of a series is told of by itself.
_OF_ONE_BOOKING = frozenset({NoticeEvent.TOMORROW, NoticeEvent.MOVED})
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
    lines = [
        await _line(group[0], [bookings[one.booking_id] for one in group], environments)
        for group in _by_series(waiting, bookings)
    ]
    await send_mail(
        reader.email,
        reader.language,
        "notices",
        attachments=_files(waiting, bookings, environments, now),
        lines=lines,
        total=len(lines),
    )


def _by_series(waiting: Sequence[WaitingNotice], bookings: Mapping[Any, BookingRow]) -> list[list[WaitingNotice]]:
    """What is told alike of several bookings of a series is told once, in the order of their times."""
    groups: dict[tuple[object, ...], list[WaitingNotice]] = {}
    for one in waiting:
        series = bookings[one.booking_id].series
        is_alone = series is None or one.event in _OF_ONE_BOOKING
        groups.setdefault((one.id,) if is_alone else (series, one.event, one.part, one.reason), []).append(one)
    return [sorted(group, key=lambda one: bookings[one.booking_id].occurrence or 0) for group in groups.values()]


def _files(
    waiting: Sequence[WaitingNotice],
    bookings: Mapping[Any, BookingRow],
    environments: Mapping[int, EntryView],
    now: datetime,
) -> list[Attachment]:
    """Each booking once, as what it is now."""
    found: dict[bool, dict[Any, BookingRow]] = {}
    for one in waiting:
        booking = bookings[one.booking_id]
        is_theirs = one.part in {Part.REQUESTER, Part.HOST}
        shown = _IN_CALENDARS_WHEN_MOVED if one.event is NoticeEvent.MOVED else _IN_CALENDARS
        if is_theirs and one.event in _FOR_CALENDARS and BookingState(booking.state) in shown:
            found.setdefault(one.part is Part.HOST, {})[booking.id] = booking
    return [
        file
        for for_host, theirs in found.items()
        for file in calendar_files(list(theirs.values()), environments, for_host=for_host, now=now)
    ]


async def _line(notice: WaitingNotice, group: Sequence[BookingRow], environments: Mapping[int, EntryView]) -> Line:
    """What is told of one booking, or of several of a series."""
    booking = group[0]
    span = {**booking.row, "ends_at": group[-1].ends_at}
    wish = await move_requests.open_wish(booking.id) if notice.event is NoticeEvent.MOVE_ASKED else None
    missing = await queries.missing_for(span) if notice.event in LISTS_MISSING else []
    values = {
        "wanted": language.show_interval(wish.starts_at, wish.ends_at) if wish else language.gettext("another time"),
        "environment": ", ".join(language.in_language(one, "title") for one in booking.environments),
        "interval": _times(group),
        "organisation": language.in_language(booking.row, "organisation_name"),
        "requester": booking.requester_name,
        "until": language.show_date(booking.hold_until) if booking.hold_until else "",
        "decision": label(booking.outcome_decision, "outcome") if booking.outcome_decision else "",
        "about": notice.about or "",
        "day": language.show_date(notice.about) if notice.about else "",
        "end": language.show_datetime(group[-1].ends_at) if booking.ends_at else "",
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
        facts=_facts(notice, group, environments),
        links=_links(notice, group, [one.agreement_id for one in missing if one.agreement_id]),
    )


def _times(group: Sequence[BookingRow]) -> str:
    """When it is: one time, or the first and the last of several and how many lie between."""
    first, last = group[0], group[-1]
    if not first.starts_at:
        return ""
    text = language.show_interval(first.starts_at, first.ends_at)
    if len(group) == 1:
        return text
    more = language.ngettext(
        "%(first)s and %(num)s more time, %(last)s",
        "%(first)s and %(num)s more times, the last one %(last)s",
        len(group) - 1,
    )
    return more % {
        "first": text,
        "num": len(group) - 1,
        "last": language.show_interval(last.starts_at, last.ends_at),
    }


def _facts(
    notice: WaitingNotice, group: Sequence[BookingRow], environments: Mapping[int, EntryView]
) -> list[tuple[str, str]]:
    booking = group[0]
    places = dict.fromkeys(place_of(environments[one.id]) for one in booking.environments)
    facts = [
        (language.gettext("Time"), "; ".join(language.show_interval(one.starts_at, one.ends_at) for one in group)),
        (language.gettext("Place"), "; ".join(place for place in places if place)),
    ]
    if notice.part is Part.HOST:
        facts += [
            (language.gettext("Contact"), booking.requester_name),
            (language.gettext("What you will test"), booking.purpose if notice.event is NoticeEvent.SUBMITTED else ""),
        ]
    return [(name, value) for name, value in facts if value]


def _links(notice: WaitingNotice, group: Sequence[BookingRow], agreements: Sequence[object]) -> list[tuple[str, str]]:
    booking = group[0]
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
    if len(group) > 1:
        found = [(f"/bookings/series/{booking.series}", language.gettext("Open the series"))]
    if notice.event in {NoticeEvent.DECLINED, NoticeEvent.OFFER_LAPSED, NoticeEvent.WAIT_ENDED}:
        found += [
            (f"/bookings/new?environment={slug}", language.gettext("Look for another time")),
            ("/search", language.gettext("Search for another environment")),
        ]
    return found
