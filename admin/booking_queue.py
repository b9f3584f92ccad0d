"""The hosts' desk: everything that waits for them, oldest first, to look through, narrow down and choose from."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.bookings import desk
from registry.bookings.codes import Waits
from registry.bookings.desk import PAGE_SIZE, Counts, Group, WaitingBooking, Wanted
from registry.errors import N_
from registry.settings import load_settings
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Whole, read_query
from registry.web.labels import label
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
LARGEST_ID = 2**31 - 1
_GROUPS = {
    Group.WAITS: N_("What is to be done"),
    Group.ENVIRONMENT: N_("Environment"),
    Group.UNIT: N_("Unit"),
}


class QueueFilter(Input):
    """What the list shows. `all` ticks every request on the page, for those without JavaScript."""

    waits: Waits | None = None
    environment: Annotated[Whole | None, Field(ge=1, le=LARGEST_ID)] = None
    unit: Annotated[Whole | None, Field(ge=1, le=LARGEST_ID)] = None
    late: bool = False
    group: Group | None = None
    all: bool = False
    page: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1


@get("/desk/bookings", include_in_schema=False)
async def queue(request: AnyRequest, actor: CurrentActor) -> Template:
    """What waits."""
    form = read_query(request, QueueFilter, ignore_unknown=True)
    wanted = Wanted(form.waits, form.environment, form.unit, form.late, form.group)
    now, days = datetime.now(UTC), load_settings().host_answer_days
    rows = await desk.waiting(actor, wanted, now, without_promise=days, page=form.page)
    counts = await desk.counts(actor, wanted, now, without_promise=days)
    return page(
        request,
        "desk/bookings.html",
        groups=_grouped(rows, wanted.group, now),
        counts=counts,
        form=form,
        is_narrowed=wanted != Wanted(group=wanted.group),
        choices=_choices(counts),
        tick_all=f"/desk/bookings?{urlencode([*_pairs(request), ('all', 'true')])}",
        page_number=form.page,
        pages=-(-counts.total // PAGE_SIZE),
        breadcrumbs=[(None, language.gettext("Bookings desk"))],
    )


def _pairs(request: AnyRequest) -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.query_params.multi_items() if name not in {"all", "notice"}]


def age(since: datetime, now: datetime) -> str:
    """How long something has waited: in whole hours on the first day, then in whole days."""
    waited = now - since
    if waited < timedelta(hours=1):
        return language.gettext(N_("less than an hour"))
    if waited < timedelta(days=1):
        hours = int(waited / timedelta(hours=1))
        return language.ngettext("%(num)s hour", "%(num)s hours", hours) % {"num": hours}
    return language.ngettext("%(num)s day", "%(num)s days", waited.days) % {"num": waited.days}


def _grouped(rows: list[WaitingBooking], group: Group | None, now: datetime) -> list[dict[str, Any]]:
    """The rows under the headings of their groups, in their order."""
    found: list[dict[str, Any]] = []
    for row in rows:
        name = label(row.group_sv, "waits") if group is Group.WAITS else language.in_language(row, "group")
        if not found or found[-1]["name"] != name:
            found.append({"name": name, "total": row.group_total, "rows": []})
        found[-1]["rows"].append((row, age(row.since, now)))
    return found


def _choices(counts: Counts) -> dict[str, list[tuple[str, str]]]:
    """What each filter offers, with how many there are of each."""
    return {
        "waits": [(code.value, f"{label(code, 'waits')} ({n})") for code, n in counts.waits.items()],
        "environment": _named(counts.environments),
        "unit": _named(counts.units),
        "group": [(code.value, language.gettext(text)) for code, text in _GROUPS.items()],
    }


def _named(found: list[tuple[int, str, str, int]]) -> list[tuple[str, str]]:
    return [
        (str(id), f"{language.in_language({'name_sv': sv, 'name_en': en}, 'name')} ({n})") for id, sv, en, n in found
    ]


HANDLERS: list[ControllerRouterHandler] = [queue]
