"""Makes procurements and partnerships, in any stage, and the people around them, for tests."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from registry.access import SYSTEM, VISITOR, Actor, Role
from registry.accounts import service as accounts
from registry.accounts.codes import OrganisationKind
from registry.agreements.codes import AgreementType
from registry.agreements.service import create_agreement
from registry.entries import service as entries
from registry.entries.codes import Kind, Sector, Track
from registry.entries.service import EntryText
from registry.procurement import queries, service
from registry.procurement.codes import InnovationCode, PartnerRole, Procedure
from registry.procurement.service import PartnershipText, PhaseText, ProcurementText
from registry.procurement.states import Stage
from tests import factories

# The actions that lead to a stage from the first one.
PATHS: dict[Stage, tuple[str, ...]] = {
    Stage.NEED: (),
    Stage.MARKET_DIALOGUE: ("open_dialogue",),
    Stage.PREPARATION: ("prepare",),
    Stage.PUBLISHED: ("prepare", "publish"),
    Stage.EVALUATION: ("prepare", "publish", "evaluate"),
    Stage.AWARDED: ("prepare", "publish", "evaluate", "award"),
    Stage.CONTRACT: ("prepare", "publish", "evaluate", "award", "sign_contract"),
    Stage.FOLLOW_UP: ("prepare", "publish", "evaluate", "award", "sign_contract", "follow_up"),
    Stage.CANCELLED: ("cancel",),
}
SECRET_NEED = "Secret need of the buyer"
SECRET_CRITERIA = "Secret criteria of the buyer"
SECRET_VALUE = 734_512_300
SECRET_LEVEL = "Secret performance level"
SECRET_TARGETS = "Secret targets of the phase"
SECRET_REASONS = "Secret reasons of the decision"


@dataclass(frozen=True)
class Cast:
    """A buyer, and one person for each relation to its procurements."""

    buyer: int
    people: dict[str, Actor]

    @property
    def officer(self) -> Actor:
        return self.people["officer"]


async def cast() -> Cast:
    """A committee as buyer, with everybody who can have to do with its procurements."""
    buyer = await factories.organisation(OrganisationKind.COMMITTEE)
    other = await factories.organisation(OrganisationKind.COMMITTEE)
    firm = await factories.organisation()
    return Cast(
        buyer,
        {
            "visitor": VISITOR,
            "firm": await factories.person(Role.FIRM, organisation_id=firm),
            "employee": await factories.person(Role.EMPLOYEE, organisation_id=buyer),
            "host": await factories.person(Role.HOST, organisation_id=buyer),
            "other_host": await factories.person(Role.HOST, organisation_id=other),
            "officer": await factories.person(Role.PROCUREMENT),
            "buyers_officer": await factories.person(Role.PROCUREMENT, organisation_id=buyer),
            "other_officer": await factories.person(Role.PROCUREMENT, organisation_id=other),
            "legal": await factories.person(Role.LEGAL),
            "coordinator": await factories.person(Role.COORDINATOR),
            "auditor": await factories.person(Role.AUDITOR),
        },
    )


def entry_text(buyer: int, title: str = "Tystare larm") -> EntryText:
    """The entry of a procurement or partnership; its kind is set by the command."""
    return EntryText(
        kind=Kind.INNOVATION_PROCUREMENT,
        primary_sector=Sector.HEALTHCARE,
        sectors=(Sector.HEALTHCARE,),
        accountable_body=buyer,
        track=Track.INTERNAL,
        title_sv=title,
        title_en="Quieter alarms",
        summary_sv="Larm som når rätt person.",
        summary_en="Alarms that reach the right person.",
    )


def procurement_text(buyer: int) -> ProcurementText:
    """A procurement whose secret parts are easy to find where they should not be."""
    return ProcurementText(
        entry=entry_text(buyer),
        procedure=Procedure.INNOVATION_PARTNERSHIP,
        dnr="RS 2026-0001",
        innovation_codes=(InnovationCode.RD_ACT,),
        cpv=("33100000",),
        need=SECRET_NEED,
        criteria=SECRET_CRITERIA,
        estimated_minor=SECRET_VALUE,
    )


async def procurement(
    actor: Actor, buyer: int, stage: Stage = Stage.NEED, *, published: bool = False, text: ProcurementText | None = None
) -> UUID:
    """A procurement in a stage; `published` puts its entry before everybody."""
    procurement_id = await service.create_procurement(actor, text or procurement_text(buyer))
    for action in PATHS[stage]:
        await service.move_procurement(actor, procurement_id, action, reason="The market has changed.")
    if published:
        await publish((await queries.get_procurement(SYSTEM, procurement_id)).entry.id)
    return procurement_id


def phase_text(number: int = 1, *, environments: tuple[int, ...] = (), agreement: UUID | None = None) -> PhaseText:
    """The phase with a number: each takes 30 days, one after another from the first of March 2027."""
    starts_on = date(2027, 3, 1) + timedelta(days=30 * (number - 1))
    return PhaseText(
        title=f"Phase {number}",
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=29),
        targets=SECRET_TARGETS,
        remuneration_minor=SECRET_VALUE,
        environments=environments,
        agreement=agreement,
    )


async def partnership(
    actor: Actor,
    body: int,
    *,
    firms: int = 1,
    phase_count: int = 1,
    published: bool = False,
    **more: object,
) -> UUID:
    """A partnership with so many firms as partners and so many phases; `more` are fields of its text."""
    partners = [await factories.organisation() for _ in range(firms)]
    text = PartnershipText(
        entry=entry_text(body, "Partnerskap om tystare larm"),
        dnr="RS 2026-0001",
        partners=((body, PartnerRole.BUYER), *((partner, PartnerRole.PARTNER) for partner in partners)),
        performance_level=SECRET_LEVEL,
        highest_cost_minor=SECRET_VALUE,
        phases=tuple(phase_text(number) for number in range(1, phase_count + 1)),
    )
    partnership_id = await service.create_partnership(actor, replace(text, **more))  # type: ignore[arg-type]  # tests name real fields
    if published:
        await publish((await queries.get_partnership(SYSTEM, partnership_id)).entry.id)
    return partnership_id


async def agreement(author: Actor, region: int) -> UUID:
    """A draft agreement that its author sees."""
    return await create_agreement(
        author,
        organisation_id=await factories.organisation(),
        type=AgreementType.PARTNERSHIP_CONTRACT,
        title="Contract on quieter alarms",
        text_sv="Avtalstext",
        region_ids=[region],
    )


async def publish(entry_id: int) -> None:
    """Put an entry before everybody."""
    await entries.move_entry(SYSTEM, entry_id, "submit")
    await entries.move_entry(SYSTEM, entry_id, "publish")


async def token(actor: Actor) -> dict[str, str]:
    """Headers with which a person acts in the API; none for a visitor."""
    if not actor.is_signed_in:
        return {}
    return {"Authorization": f"Bearer {await accounts.create_token(SYSTEM, actor.email)}"}


async def session(actor: Actor) -> dict[str, str]:
    """Cookies with which a person acts on pages."""
    assert actor.person_id is not None
    return {"session": await accounts.open_session(actor.person_id, hours=1)}
