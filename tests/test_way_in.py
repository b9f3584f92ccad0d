"""The way in: which entries answer which answers, and why."""

import httpx
import pytest

from registry.access import VISITOR, Role
from registry.entries.codes import Audience, Kind, Sector, Visibility
from registry.entries.service import EnvironmentText
from registry.errors import Message
from search.way_in import Want, WayInInput, matches
from tests import factories
from tests.factories_procurement import session
from tests.factories_search import entry, word

OPEN_TO_FIRMS = EnvironmentText(bookable_by=(Audience.EXTERNAL,))
OPEN_TO_EMPLOYEES = EnvironmentText(bookable_by=(Audience.EMPLOYEE,))


async def found(**answers: object) -> dict[str, list[Message]]:
    """The reasons by title, for a visitor."""
    return {match.hit.title_sv: match.reasons for match in await matches(VISITOR, WayInInput.model_validate(answers))}


async def test_firm_that_wants_to_show_finds_demo_environments_open_to_it() -> None:
    # Titles that sort first, since only the first matches are shown.
    mine, other = f"000 {word()}", f"000 {word()}"
    await entry(OPEN_TO_FIRMS, title_sv=mine, kind=Kind.DEMO_ENVIRONMENT, primary_sector=Sector.CULTURE)
    await entry(OPEN_TO_EMPLOYEES, title_sv=other, kind=Kind.DEMO_ENVIRONMENT, primary_sector=Sector.CULTURE)
    answers = {"who": "external", "want": "show", "sector": "culture"}
    reasons = await found(**answers)
    assert mine in reasons
    assert other not in reasons
    assert len(reasons[mine]) == 3
    assert other in await found(**{**answers, "who": "employee"})


async def test_wanting_to_sell_finds_procurements_that_go_on() -> None:
    mine, over = f"000 {word()}", f"000 {word()}"
    await entry(title_sv=mine, kind=Kind.INNOVATION_PROCUREMENT, primary_sector=Sector.CULTURE)
    await entry(title_sv=over, kind=Kind.INNOVATION_PROCUREMENT, primary_sector=Sector.CULTURE, ended=True)
    reasons = await found(who="external", want="sell", sector="culture")
    assert mine in reasons
    assert over not in reasons


async def test_staff_entries_are_for_staff() -> None:
    mine = f"000 {word()}"
    await entry(
        OPEN_TO_FIRMS,
        title_sv=mine,
        kind=Kind.DEMO_ENVIRONMENT,
        primary_sector=Sector.TRANSPORT,
        visibility=Visibility.STAFF,
    )
    assert mine not in await found(want="show", sector="transport")
    staff = await factories.person(Role.EMPLOYEE)
    asked = WayInInput.model_validate({"want": "show", "sector": "transport"})
    assert mine in [match.hit.title_sv for match in await matches(staff, asked)]


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("want", list(Want))
@pytest.mark.parametrize("who", list(Audience))
async def test_every_answer_has_a_page(visitor: httpx.AsyncClient, who: Audience, want: Want, language: str) -> None:
    answer = await visitor.get("/way-in", params={"who": who.value, "want": want.value, "lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert f'value="{want.value}" checked' in answer.text


async def test_employees_are_told_of_the_innovation_fund(visitor: httpx.AsyncClient) -> None:
    visitor.cookies.update(await session(await factories.person(Role.EMPLOYEE)))
    answer = await visitor.get("/way-in", params={"who": "employee", "want": "fund", "lang": "en"})
    assert "you can apply to the region" in answer.text


async def test_nothing_is_matched_before_something_is_wanted(visitor: httpx.AsyncClient) -> None:
    assert await matches(VISITOR, WayInInput()) == []
    assert (await visitor.get("/way-in", params={"who": "", "want": "", "sector": ""})).status_code == 200


@pytest.mark.parametrize("field", ["who", "want", "sector"])
async def test_unknown_answer_names_the_question(visitor: httpx.AsyncClient, field: str) -> None:
    answer = await visitor.get("/way-in", params={field: "x", "lang": "en"})
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
