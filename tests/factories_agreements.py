"""Makes agreements for tests, with the product's own commands."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.agreements import rules, service
from registry.agreements.codes import AgreementType, TermStatus, TermValue
from registry.agreements.states import AgreementState
from registry.demo import documents
from registry.entries.codes import Audience
from tests import factories

_numbers = itertools.count(1)
S = AgreementState
STOCKHOLM = ZoneInfo("Europe/Stockholm")
# The period of the agreements that `agreement_in` makes, and a moment before it.
FIRST, LAST = date(2033, 5, 2), date(2033, 5, 31)
THEN = datetime(2033, 4, 1, 9, tzinfo=STOCKHOLM)
TEXT_SV = (
    "# Avtal\n\nDiarienummer: {dnr}\n\n## 1. Parter\n\nMellan {parties} om {entries}.\n\n"
    "## 2. Tid\n\nFrån {valid_from} till och med {valid_until}."
)
TEXT_EN = (
    "# Agreement\n\nReference: {dnr}\n\n## 1. Parties\n\nBetween {parties} on {entries}.\n\n"
    "## 2. Time\n\nFrom {valid_from} until and including {valid_until}."
)
PDF = documents.pdf("Bilaga", ["Provplan."])


def term(field: str, value: str | int, **more: Any) -> TermValue:
    """A term with a code or a number."""
    if isinstance(value, int):
        return TermValue(field, TermStatus.VALUE, number=value, **more)
    return TermValue(field, TermStatus.VALUE, code=value, **more)


def terms(**values: str | int) -> dict[str, TermValue]:
    """Terms by field."""
    return {field: term(field, value) for field, value in values.items()}


async def template(
    *,
    type: AgreementType = AgreementType.TEST,  # noqa: A002  # the domain's word
    audience: Sequence[Audience] = (Audience.EXTERNAL,),
    months_valid: int = 12,
    text_sv: str = TEXT_SV,
    text_en: str = TEXT_EN,
    values: Mapping[str, TermValue] | None = None,
    code: str = "",
) -> str:
    """A template; its code."""
    code = code or f"template-{next(_numbers)}"
    await service.create_template(
        SYSTEM,
        code=code,
        type=type,
        audience=audience,
        title_sv=f"Mall {code}",
        title_en=f"Model {code}",
        months_valid=months_valid,
        text_sv=text_sv,
        text_en=text_en,
        terms=terms(results_ownership="supplier", publication="allowed") if values is None else values,
    )
    return code


async def jurist() -> Actor:
    """Somebody of the legal department."""
    return await factories.person(Role.LEGAL)


@dataclass(frozen=True)
class Case:
    """An environment with a required template, a firm that wants to use it, and legal."""

    body: int
    entry_id: int
    slug: str
    template: str
    firm: int
    member: Actor
    legal: Actor

    async def open(self, starts_at: datetime, ends_at: datetime, **more: Any) -> list[UUID]:
        """Open what a booking of the firm lacks."""
        return await service.open_missing(
            self.member,
            organisation_id=self.firm,
            audience="external",
            entry_ids=[self.entry_id],
            starts_at=starts_at,
            ends_at=ends_at,
            **more,
        )

    async def requested(self, **more: Any) -> UUID:
        """An agreement in review, for a booking tomorrow."""
        start = datetime.now(UTC) + timedelta(days=1)
        (agreement_id,) = await self.open(start, start + timedelta(hours=2), **more)
        return agreement_id

    async def draft(self, **more: Any) -> UUID:
        """A draft by the firm."""
        values: dict[str, Any] = {"template_code": self.template, "entry_ids": [self.entry_id], **more}
        return await service.create_agreement(self.member, organisation_id=self.firm, **values)


async def case(**template_values: Any) -> Case:
    """A new case."""
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id, slug = await factories.environment(body=body)
    code = await template(**template_values)
    await service.offer_terms(SYSTEM, entry_id, code, required=True)
    firm = await factories.organisation()
    return Case(
        body=body,
        entry_id=entry_id,
        slug=slug,
        template=code,
        firm=firm,
        member=await factories.person(Role.FIRM, organisation_id=firm),
        legal=await jurist(),
    )


async def in_force(
    organisation_id: int,
    entry_id: int,
    template_code: str,
    *,
    valid_from: date | None = None,
    valid_until: date | None = None,
    framework: bool = False,
    now: datetime | None = None,
) -> UUID:
    """An agreement that everybody has signed; in force when its first day is here (at `now`)."""
    author = await factories.person(Role.FIRM, organisation_id=organisation_id)
    legal = await jurist()
    start = valid_from or rules.today(now)
    agreement_id = await service.create_agreement(
        author,
        organisation_id=organisation_id,
        template_code=template_code,
        entry_ids=[entry_id],
        framework=framework,
        valid_from=start,
        valid_until=valid_until,
    )
    await service.submit(author, agreement_id, now=now)
    await service.sign(author, agreement_id, now=now)
    await service.approve(legal, agreement_id, now=now)
    await service.sign(legal, agreement_id, now=now)
    return agreement_id


async def state_of(agreement_id: UUID) -> S:
    """The state as it is stored."""
    row = await database.fetch_one("SELECT state FROM agreement WHERE id = $1", agreement_id)
    assert row is not None
    return S(row["state"])


async def agreement_in(case: Case, state: S) -> UUID:
    """An agreement that the firm wrote, brought to a state by the commands; from FIRST to LAST."""
    agreement_id = await case.draft(valid_from=FIRST, valid_until=LAST)
    if state is S.DRAFT:
        return agreement_id
    await service.submit(case.member, agreement_id, now=THEN)
    if state is S.IN_REVIEW:
        return agreement_id
    if state is S.CHANGES_REQUESTED:
        await service.request_changes(case.legal, agreement_id, "Ange diarienummer.", now=THEN)
        return agreement_id
    await service.approve(case.legal, agreement_id, now=THEN)
    if state is S.APPROVED:
        return agreement_id
    await service.sign(case.member, agreement_id, now=THEN)
    await service.sign(case.legal, agreement_id, now=THEN)
    if state is S.SIGNED:
        return agreement_id
    await service.follow_dates(datetime(2033, 5, 2, 1, tzinfo=STOCKHOLM))
    if state is S.TERMINATED:
        await service.terminate(case.legal, agreement_id, "Provet är inställt.", now=THEN)
    elif state is S.EXPIRED:
        await service.follow_dates(datetime(2033, 6, 1, 1, tzinfo=STOCKHOLM))
    return agreement_id


async def jobs_of(agreement_id: UUID) -> int:
    """How often the bookings that wait for an agreement are to be looked at."""
    rows = await database.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'confirm_covered_bookings'")
    return sum(json.loads(row["payload"]) == {"agreement_id": str(agreement_id)} for row in rows)


async def signed_on_paper(case: Case, agreement_id: UUID, *, signer_name: str = "Firmatecknaren") -> None:
    """The firm's signature on paper, recorded by legal with its copy."""
    await service.record_copy(
        case.legal,
        agreement_id,
        organisation_id=case.firm,
        signer_name=signer_name,
        filename="Undertecknat.pdf",
        content=PDF,
        media_type="application/pdf",
        now=THEN,
    )
