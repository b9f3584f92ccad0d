"""The entries desk and the log: who sees what waits, who decides, and the form of an environment."""

from collections.abc import Mapping
from datetime import time
from urllib.parse import urlencode

import httpx
import pytest

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.entries import queries, service
from registry.entries.calendars import Opening
from registry.entries.service import EnvironmentText
from registry.entries.states import TRANSITIONS, EntryStatus
from tests import factories
from tests import factories_procurement as make

DESK = "/desk/entries"
PATHS: dict[EntryStatus, tuple[str, ...]] = {
    EntryStatus.DRAFT: (),
    EntryStatus.IN_REVIEW: ("submit",),
    EntryStatus.CHANGES_REQUESTED: ("submit", "request_changes"),
    EntryStatus.PUBLISHED: ("submit", "publish"),
    EntryStatus.ARCHIVED: ("submit", "publish", "archive"),
}


async def _sign_in(visitor: httpx.AsyncClient, actor: Actor) -> None:
    visitor.cookies.update(await make.session(actor))
    await visitor.get("/procurements")


async def _send(visitor: httpx.AsyncClient, path: str, form: Mapping[str, object]) -> httpx.Response:
    return await visitor.post(path, data={**form, "_csrf_token": visitor.cookies.get("csrf") or ""})


async def _entry(body: int, status: EntryStatus = EntryStatus.DRAFT) -> int:
    entry_id, _ = await factories.environment(body=body, publish=False)
    for action in PATHS[status]:
        await service.move_entry(SYSTEM, entry_id, action, review_message="Say more")
    return entry_id


async def _status(entry_id: int) -> EntryStatus:
    row = await database.fetch_one("SELECT status FROM entry WHERE id = $1", entry_id)
    assert row is not None
    return EntryStatus(row["status"])


def entry_form(body: int, /, **changes: object) -> dict[str, object]:
    texts = ("summary", "description", "offer", "equipment", "price_note", "requirements", "accessibility")
    return {
        "kind": "testbed",
        "title_sv": "Provrum",
        "title_en": "",
        **{f"{name}_{language}": "" for name in texts for language in ("sv", "en")},
        "primary_sector": "healthcare",
        "sectors": ["healthcare", "culture"],
        "accountable_body": str(body),
        "unit": "",
        "track": "internal",
        "contact_function": "Innovationsfunktionen",
        "contact_email": "innovation@example.org",
        "answer_days": "5",
        "address": "",
        "municipality": "Solna",
        "latitude": "59,35",
        "longitude": "18.03",
        "visibility": "public",
        "capacity": "2",
        "buffer_before": "0",
        "buffer_after": "15",
        "shortest": "60",
        "longest": "480",
        "lead_time_hours": "24",
        "horizon_days": "365",
        "bookable_by": ["external"],
        "remuneration": "fixed",
        "price": "1 200,50",
        "trl_lowest": "4",
        "trl_highest": "7",
        **{f"{name}_{day}": "" for day in range(1, 8) for name in ("opens", "closes")},
        "opens_1": ["08:00", "13:00"],
        "closes_1": ["12:00", "00:00"],
        **changes,
    }


@pytest.mark.parametrize("role", [None, *Role])
async def test_desk_is_for_those_who_edit_and_decide(visitor: httpx.AsyncClient, role: Role | None) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await _entry(body, EntryStatus.IN_REVIEW)
    if role:
        await _sign_in(visitor, await factories.person(role))
    answer = await visitor.get(DESK)
    expected = 303 if role is None else 200 if role in {Role.HOST, Role.COORDINATOR} else 403
    assert answer.status_code == expected
    queue = 'class="queue"' in answer.text
    assert queue is (role is Role.COORDINATOR)
    new = await visitor.get(f"{DESK}/new")
    assert new.status_code == expected
    case = await visitor.get(f"{DESK}/{entry_id}")
    assert case.status_code == expected


@pytest.mark.parametrize("action", list(TRANSITIONS))
@pytest.mark.parametrize("status", list(EntryStatus))
async def test_coordinator_takes_the_steps_of_the_table(
    visitor: httpx.AsyncClient, status: EntryStatus, action: str
) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await _entry(body, status)
    await _sign_in(visitor, await factories.person(Role.COORDINATOR))
    path = f"{DESK}/{entry_id}/{action.replace('_', '-')}"
    answer = await _send(visitor, path, {"review_message": "Say more"})
    if status in TRANSITIONS[action]:
        assert answer.status_code == 303
        assert await _status(entry_id) is TRANSITIONS[action][status]
    else:
        assert answer.status_code == 409
        assert await _status(entry_id) is status


async def test_requesting_changes_needs_a_message(visitor: httpx.AsyncClient) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await _entry(body, EntryStatus.IN_REVIEW)
    await _sign_in(visitor, await factories.person(Role.COORDINATOR))
    answer = await _send(visitor, f"{DESK}/{entry_id}/request-changes", {"review_message": " "})
    assert answer.status_code == 422
    assert 'href="#f-review_message"' in answer.text
    assert await _status(entry_id) is EntryStatus.IN_REVIEW
    assert (await _send(visitor, f"{DESK}/{entry_id}/explode", {})).status_code == 404


async def test_nobody_publishes_what_they_have_written(visitor: httpx.AsyncClient) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    coordinator = await factories.person(Role.COORDINATOR)
    await _sign_in(visitor, coordinator)
    created = await _send(visitor, f"{DESK}/new", entry_form(body))
    assert created.status_code == 303
    path = created.headers["location"].partition("?")[0]
    assert (await _send(visitor, f"{path}/submit", {})).status_code == 303
    page = await visitor.get(path)
    assert f'action="{path}/publish"' not in page.text
    assert (await _send(visitor, f"{path}/publish", {})).status_code == 403


async def test_queue_shows_the_oldest_first(visitor: httpx.AsyncClient) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    first, second = await _entry(body), await _entry(body)
    await service.move_entry(SYSTEM, second, "submit")
    await service.move_entry(SYSTEM, first, "submit")
    await _sign_in(visitor, await factories.person(Role.COORDINATOR))
    text = (await visitor.get(DESK)).text.partition('class="queue"')[2].partition("</ul>")[0]
    assert 0 < text.index(f'"{DESK}/{second}"') < text.index(f'"{DESK}/{first}"')


async def test_host_creates_and_changes_environment(visitor: httpx.AsyncClient) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    host = await factories.person(Role.HOST, organisation_id=body)
    await _sign_in(visitor, host)
    created = await _send(visitor, f"{DESK}/new", entry_form(body))
    assert created.status_code == 303
    path = created.headers["location"].partition("?")[0]
    entry_id = int(path.rpartition("/")[2])
    entry = await queries.get_entry_by_id(SYSTEM, entry_id)
    assert (entry.price_minor, entry.latitude, entry.capacity) == (120_050, 59.35, 2)
    assert entry.opening_hours == [Opening(1, time(8), time(12)), Opening(1, time(13), time(0))]
    form = await visitor.get(f"{path}/edit")
    assert form.status_code == 200
    assert "1 200,50" in form.text
    assert form.text.count('name="opens_1"') == 2
    changed = entry_form(body, version=str(entry.version), title_en="Test room", capacity="3")
    assert (await _send(visitor, f"{path}/edit", changed)).status_code == 303
    stale = await _send(visitor, f"{path}/edit", entry_form(body, version=str(entry.version), title_en="Other room"))
    assert stale.status_code == 409
    assert "Other room" in stale.text
    after = await queries.get_entry_by_id(SYSTEM, entry_id)
    assert (after.title_en, after.capacity, after.version) == ("Test room", 3, entry.version + 1)


async def test_form_keeps_what_it_does_not_hold(visitor: httpx.AsyncClient) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    whole, _ = await factories.environment(body=body, publish=False, text=EnvironmentText())
    part, _ = await factories.environment(
        body=body, publish=False, text=EnvironmentText(parent=whole, approval_days=7, most_participants=12)
    )
    entry = await queries.get_entry_by_id(SYSTEM, part)
    await _sign_in(visitor, await factories.person(Role.HOST, organisation_id=body))
    sent = await _send(visitor, f"{DESK}/{part}/edit", entry_form(body, version=str(entry.version)))
    assert sent.status_code == 303
    after = await queries.get_entry_by_id(SYSTEM, part)
    assert (after.parent, after.approval_days, after.most_participants) == (whole, 7, 12)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title_sv": ""}, "title_sv"),
        ({"kind": "innovation_procurement"}, "kind"),
        ({"primary_sector": ""}, "primary_sector"),
        ({"accountable_body": "2000000000"}, "accountable_body"),
        ({"unit": "2000000000"}, "unit"),
        ({"contact_email": "nobody"}, "contact_email"),
        ({"latitude": "91"}, "latitude"),
        ({"latitude": "nan"}, "latitude"),
        ({"longitude": ""}, "latitude"),
        ({"capacity": "0"}, "capacity"),
        ({"capacity": ""}, "capacity"),
        ({"shortest": "500"}, "shortest"),
        ({"trl_highest": ""}, "trl_lowest"),
        ({"trl_highest": "10"}, "trl_highest"),
        ({"opens_3": "10:00"}, "opens_3"),
        ({"opens_3": "10:00", "closes_3": "09:00"}, "opens_3"),
        ({"price": "free"}, "price"),
        ({"description_sv": "<i>Kursiv</i>"}, "description_sv"),
    ],
)
async def test_faulty_form_comes_back_and_stores_nothing(
    visitor: httpx.AsyncClient, change: dict[str, object], field: str
) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    coordinator = await factories.person(Role.COORDINATOR)
    await _sign_in(visitor, coordinator)
    answer = await _send(visitor, f"{DESK}/new", entry_form(body, municipality="Typed", **change))
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert "Typed" in answer.text
    rows = await database.fetch("SELECT id FROM entry WHERE created_by = $1", coordinator.person_id)
    assert rows == []


async def test_host_of_another_body_neither_edits_nor_creates(visitor: httpx.AsyncClient) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    other = await factories.organisation(OrganisationKind.COMMITTEE)
    published, _ = await factories.environment(body=body)
    draft = await _entry(body)
    await _sign_in(visitor, await factories.person(Role.HOST, organisation_id=other))
    assert (await visitor.get(f"{DESK}/{published}/edit")).status_code == 403
    assert (await visitor.get(f"{DESK}/{draft}/edit")).status_code == 404
    assert (await _send(visitor, f"{DESK}/{published}/edit", entry_form(body))).status_code == 403
    assert (await _send(visitor, f"{DESK}/new", entry_form(body))).status_code == 403
    assert (await _send(visitor, f"{DESK}/{published}/archive", {})).status_code == 403


async def test_procurements_are_not_edited_as_environments(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    row = await database.fetch_one("SELECT entry FROM procurement WHERE id = $1", procurement_id)
    assert row is not None
    await _sign_in(visitor, cast.people["coordinator"])
    assert (await visitor.get(f"{DESK}/{row['entry']}/edit")).status_code == 404
    case = await visitor.get(f"{DESK}/{row['entry']}")
    assert case.status_code == 200
    assert make.SECRET_NEED not in case.text


@pytest.mark.parametrize("role", [None, *Role])
async def test_only_auditors_read_the_log(visitor: httpx.AsyncClient, role: Role | None) -> None:
    if role:
        await _sign_in(visitor, await factories.person(role))
    answer = await visitor.get("/desk/log")
    assert answer.status_code == (200 if role is Role.AUDITOR else 303 if role is None else 403)


async def test_log_is_filtered_and_paged(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    await _sign_in(visitor, cast.people["auditor"])
    found = await visitor.get("/desk/log?subject=procurement")
    assert str(procurement_id) in found.text
    assert "procedure: innovation_partnership" in found.text
    others = await visitor.get("/desk/log?subject=agreement")
    assert str(procurement_id) not in others.text
    unknown = await visitor.get(f"/desk/log?{urlencode({'subject': '<b>', 'page': '1'})}")
    assert unknown.status_code == 200
    assert (await visitor.get("/desk/log?page=999999")).status_code == 200
    assert (await visitor.get("/desk/log?page=0")).status_code == 422


async def test_ids_that_cannot_exist_are_not_found(visitor: httpx.AsyncClient) -> None:
    await _sign_in(visitor, await factories.person(Role.COORDINATOR))
    for path in (f"{DESK}/{10**30}", f"{DESK}/{10**30}/edit"):
        assert (await visitor.get(path)).status_code == 404
    assert (await _send(visitor, f"{DESK}/{10**30}/publish", {})).status_code == 404
