"""The pages that anybody can open: start, entries, accessibility, API."""

import re
from typing import Any

import httpx
import pytest
from litestar import Litestar

from registry.access import SYSTEM, VISITOR, Role
from registry.accounts.codes import OrganisationKind
from registry.entries import service as entries
from registry.entries.calendars import Opening
from registry.entries.codes import Audience, Kind, Relation, Remuneration, Visibility
from registry.entries.service import EnvironmentText
from registry.procurement import queries as procurement
from registry.web.language import use_language
from registry.web.pages.entries import opening_lines
from tests import factories, factories_agreements, factories_procurement
from tests.factories_procurement import session
from tests.factories_search import HOSTILE_SCRIPT, entry, write_raw

BOOKABLE = EnvironmentText(
    bookable_by=(Audience.EXTERNAL, Audience.EMPLOYEE),
    opening_hours=factories.ALL_DAY_EVERY_DAY,
    lead_time_hours=0,
    remuneration=Remuneration.HOURLY,
    price_minor=120_000,
    offer_sv="Prova larm",
    requirements_sv="Utbildning krävs",
    accessibility_sv="Hiss finns",
    trl_lowest=3,
    trl_highest=7,
    needs_ethics_approval=True,
    most_participants=6,
)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("path", ["/", "/search", "/way-in", "/accessibility", "/api"])
async def test_public_page_in_both_languages(visitor: httpx.AsyncClient, path: str, language: str) -> None:
    answer = await visitor.get(path, params={"lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert answer.text.count("<h1") == 1
    assert 'href="/static/favicon.svg' in answer.text


async def test_chosen_language_stays(visitor: httpx.AsyncClient) -> None:
    await visitor.get("/", params={"lang": "en"})
    assert '<html lang="en">' in (await visitor.get("/accessibility", headers={"Accept-Language": "sv"})).text


async def test_browsers_find_an_icon(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/favicon.ico", follow_redirects=True)
    assert answer.status_code == 200
    assert "svg" in answer.headers["content-type"]


async def test_labels_follow_the_language_of_each_reader(visitor: httpx.AsyncClient) -> None:
    swedish = (await visitor.get("/", params={"lang": "sv"})).text
    english = (await visitor.get("/", params={"lang": "en"})).text
    assert "Regional utveckling" in swedish
    assert "Regional development" in english


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_entry_shows_what_a_reader_needs(visitor: httpx.AsyncClient, language: str) -> None:
    entry_id, slug = await entry(BOOKABLE, title_sv="Larmlabbet", municipality="Solna", contact_function="Värden")
    code = await factories_agreements.template(
        values=factories_agreements.terms(results_ownership="supplier", publication_review_days=30)
    )
    await factories_agreements.service.offer_terms(SYSTEM, entry_id, code, required=True)
    answer = await visitor.get(f"/entries/{slug}", params={"lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    for text in ("Larmlabbet", "Prova larm", "Utbildning krävs", "Hiss finns", "Solna", "Värden"):
        assert text in answer.text
    assert f'href="/bookings/new?environment={slug}"' in answer.text
    assert 'id="boka"' in answer.text
    assert re.search(r"1\s200", answer.text.replace(",", " ").replace("\xa0", " "))
    title = f"Mall {code}" if language == "sv" else f"Model {code}"
    assert title in answer.text
    assert '<dl class="terms">' in answer.text


async def test_text_in_the_other_language_is_marked(visitor: httpx.AsyncClient) -> None:
    _, slug = await entry(title_sv="", title_en="Only English", description_sv="Bara svenska")
    swedish = (await visitor.get(f"/entries/{slug}", params={"lang": "sv"})).text
    assert '<h1 lang="en">Only English</h1>' in swedish
    assert "lang-note" not in swedish.partition("Bara svenska")[0].rpartition("<section>")[2]
    english = (await visitor.get(f"/entries/{slug}", params={"lang": "en"})).text
    assert '<div lang="sv"><p>Bara svenska</p></div>' in english
    assert "lang-note" in english


async def test_what_is_made_up_for_the_demo_is_marked(visitor: httpx.AsyncClient) -> None:
    _, real = await entry(BOOKABLE)
    _, made_up = await entry(BOOKABLE, example_fields=("offer_sv", "opening_hours", "contact_function"))
    assert 'class="example"' not in (await visitor.get(f"/entries/{real}")).text
    assert (await visitor.get(f"/entries/{made_up}")).text.count('class="example"') == 4


async def test_ended_activity_cannot_be_booked(visitor: httpx.AsyncClient) -> None:
    _, slug = await entry(BOOKABLE, ended=True)
    text = (await visitor.get(f"/entries/{slug}", params={"lang": "en"})).text
    assert "/bookings/new" not in text
    assert "has ended" in text


async def test_entry_without_bookers_says_so(visitor: httpx.AsyncClient) -> None:
    _, slug = await entry()
    text = (await visitor.get(f"/entries/{slug}")).text
    assert "/bookings/new" not in text
    assert 'id="responsible"' in text


async def test_related_entries_are_named_from_both_ends(visitor: httpx.AsyncClient) -> None:
    whole_id, whole = await entry(title_sv="Huset")
    part_id, part = await entry(EnvironmentText(parent=whole_id), title_sv="Rummet")
    partnership_id, partnership = await entry(title_sv="Samarbetet", kind=Kind.INNOVATION_PARTNERSHIP)
    hidden_id, hidden = await entry(title_sv="Dolt", visibility=Visibility.STAFF)
    await entries.relate_entries(SYSTEM, partnership_id, part_id, Relation.USES)
    await entries.relate_entries(SYSTEM, hidden_id, part_id, Relation.RELATED)
    of_part = (await visitor.get(f"/api/v1/entries/{part}")).json()["related_entries"]
    assert {(link["relation"], link["slug"]) for link in of_part} == {("whole", whole), ("used_by", partnership)}
    of_partnership = (await visitor.get(f"/api/v1/entries/{partnership}")).json()["related_entries"]
    assert [(link["relation"], link["slug"]) for link in of_partnership] == [("uses", part)]
    page = (await visitor.get(f"/entries/{part}")).text
    assert f'href="/entries/{whole}"' in page
    assert hidden not in page
    assert f'href="/entries/{part}"' in (await visitor.get(f"/entries/{whole}")).text


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("path", ["/entries/no-such-entry", "/entries/no-such-entry/versions", "/entries/%00"])
async def test_unknown_entry_is_not_found_in_the_language_of_the_reader(
    visitor: httpx.AsyncClient, path: str, language: str
) -> None:
    answer = await visitor.get(path, params={"lang": language})
    assert answer.status_code == 404
    assert f'<html lang="{language}">' in answer.text


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("state", ["staff", "draft"])
async def test_who_opens_an_entry_that_is_not_public(visitor: httpx.AsyncClient, role: Role | None, state: str) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    visibility = Visibility.STAFF if state == "staff" else Visibility.PUBLIC
    _, slug = await entry(body=body, visibility=visibility, publish=state == "staff")
    if role is not None:
        visitor.cookies.update(await session(await factories.person(role)))
    may = {"staff": set(Role) - {Role.FIRM}, "draft": {Role.HOST, Role.COORDINATOR}}[state]
    for path in (f"/entries/{slug}", f"/entries/{slug}/versions"):
        assert (await visitor.get(path)).status_code == (200 if role in may else 404)


async def test_versions_are_listed_and_name_people_to_staff_only(visitor: httpx.AsyncClient) -> None:
    coordinator = await factories.person(Role.COORDINATOR)
    entry_id, slug = await entry(publish=False)
    await entries.move_entry(SYSTEM, entry_id, "submit")
    await entries.move_entry(coordinator, entry_id, "publish")
    public = (await visitor.get(f"/entries/{slug}/versions")).text
    assert coordinator.name not in public
    visitor.cookies.update(await session(coordinator))
    assert coordinator.name in (await visitor.get(f"/entries/{slug}/versions")).text.partition("<main")[2]


async def test_entry_page_escapes_what_people_wrote(visitor: httpx.AsyncClient) -> None:
    entry_id, slug = await entry()
    await write_raw(entry_id, title_sv=HOSTILE_SCRIPT, summary_sv=HOSTILE_SCRIPT, description_sv=HOSTILE_SCRIPT)
    text = (await visitor.get(f"/entries/{slug}")).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


async def test_partnership_that_goes_on_is_on_the_start_page(visitor: httpx.AsyncClient) -> None:
    people = await factories_procurement.cast()
    partnership_id = await factories_procurement.partnership(
        people.officer, people.buyer, phase_count=3, published=True
    )
    found = await procurement.get_partnership(VISITOR, partnership_id)
    answer = await visitor.get("/", params={"lang": "en"})
    assert f'href="/entries/{found.entry.slug}"' in answer.text
    assert "Phase 1 of 3" in answer.text
    entry_page = await visitor.get(f"/entries/{found.entry.slug}")
    assert entry_page.status_code == 200
    assert "phases" in entry_page.text


async def test_procurement_has_its_part_of_the_entry_page(visitor: httpx.AsyncClient) -> None:
    people = await factories_procurement.cast()
    procurement_id = await factories_procurement.procurement(people.officer, people.buyer, published=True)
    found = await procurement.get_procurement(VISITOR, procurement_id)
    text = (await visitor.get(f"/entries/{found.entry.slug}")).text
    assert found.dnr in text
    assert factories_procurement.SECRET_CRITERIA not in text


async def test_start_page_counts_environments_by_sector(visitor: httpx.AsyncClient) -> None:
    await entry()
    text = (await visitor.get("/")).text
    assert 'href="/search?sector=healthcare&amp;kind=demo_environment&amp;kind=testbed"' in text


async def test_api_page_lists_every_operation_with_its_parameters(
    visitor: httpx.AsyncClient, application: Litestar
) -> None:
    schema: dict[str, Any] = (await visitor.get("/api/openapi.json")).json()
    assert schema["paths"].keys() == application.openapi_schema.to_schema()["paths"].keys()
    text = (await visitor.get("/api", params={"lang": "en"})).text
    for path, item in schema["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}</code>" in text
    parameters = {part["name"]: part for part in schema["paths"]["/api/v1/entries"]["get"]["parameters"]}
    assert {"q", "kind", "sector", "near", "radius_km", "sort", "page", "page_size"} <= set(parameters)
    assert parameters["kind"]["schema"]["items"]["enum"] == [kind.value for kind in Kind]
    assert "<code>radius_km</code>" in text
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_opening_hours_join_days_with_the_same_hours() -> None:
    use_language("en")
    eight, five, midnight = (Opening(1, *pair) for pair in (_times(8, 12), _times(13, 17), _times(18, 0)))
    openings = [Opening(day, o.opens, o.closes) for day in (1, 2, 3) for o in (eight, five)]
    openings.append(Opening(6, midnight.opens, midnight.closes))
    assert opening_lines(openings) == [("Mon–Wed", "08:00–12:00, 13:00–17:00"), ("Sat", "18:00–24:00")]
    use_language("sv")
    assert opening_lines(openings[-1:]) == [("lör", "18.00–24.00")]


def _times(opens: int, closes: int) -> tuple[Any, Any]:
    from datetime import time  # noqa: PLC0415  # used here only

    return time(opens), time(closes)
