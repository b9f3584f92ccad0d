"""Writing agreements: drafts, the requests that bookings open, and new versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from registry import database
from registry.access import Actor, Permission, Role
from registry.accounts import queries as accounts
from registry.agreements import rules
from registry.agreements.codes import AgreementType, PartyRole, TermValue
from registry.agreements.offers import MissingAgreement, missing_agreements
from registry.agreements.rows import filled_template, row_of
from registry.agreements.steps import locked, take_step
from registry.agreements.tables import Agreement, AgreementEntry, AgreementParty, AgreementVersion
from registry.agreements.templates import store_terms
from registry.agreements.texts import text_hash
from registry.audit.service import EventType, record
from registry.entries import queries as entries
from registry.entries.codes import Remuneration
from registry.errors import (
    N_,
    FieldError,
    InvalidInput,
    NotPermitted,
    NotSignedIn,
    RuleBroken,
    invalid,
    message,
)


@dataclass(frozen=True)
class _Template:
    """The latest version of a template, as a new agreement uses it."""

    version_id: int
    type: AgreementType
    months_valid: int
    text_sv: str
    text_en: str
    terms_id: int


@dataclass(frozen=True)
class _Draft:
    """What a new agreement is made of; `text_*` and `terms` stand in place of the template's."""

    type: AgreementType
    template: _Template | None
    organisation_id: int
    region_ids: frozenset[int]
    entry_ids: tuple[int, ...]
    valid_from: date | None
    valid_until: date | None
    title: str = ""
    framework: bool = False
    dnr: str = ""
    text_sv: str | None = None
    text_en: str | None = None
    terms: Mapping[str, TermValue] | None = None
    remuneration: Remuneration | None = None


async def create_agreement(
    actor: Actor,
    *,
    organisation_id: int,
    template_code: str | None = None,
    type: AgreementType | None = None,  # noqa: A002  # the domain's word
    title: str = "",
    entry_ids: Collection[int] = (),
    framework: bool = False,
    dnr: str = "",
    valid_from: date | None = None,
    valid_until: date | None = None,
    text_sv: str | None = None,
    text_en: str | None = None,
    terms: Mapping[str, TermValue] | None = None,
    region_ids: Collection[int] = (),
    remuneration: Remuneration | None = None,
    now: datetime | None = None,
) -> UUID:
    """Create a draft between an organisation and whoever answers for the entries (or `region_ids`); returns its id.

    From a template it applies from today for the template's number of months, unless told otherwise.
    Without a template, type, title and the Swedish text are needed. Dates are in Europe/Stockholm, both included.

    Raises:
        NotSignedIn, NotPermitted: the actor does not write agreements for any of the parties.
        NotFound: an entry or template that the actor cannot see. InvalidInput: something is missing or malformed.
    """
    author = _person(actor)
    regions = frozenset(region_ids) | await _accountable(actor, entry_ids)
    if not _writes_for(actor, regions | {organisation_id}):
        raise NotPermitted(message(N_("You can only write agreements for an organisation that you act for.")))
    template = await _latest(template_code) if template_code else None
    start = valid_from or (rules.today(now) if template else None)
    draft = _Draft(
        type=_type(template, type),
        template=template,
        organisation_id=organisation_id,
        region_ids=regions,
        entry_ids=tuple(dict.fromkeys(entry_ids)),
        valid_from=start,
        valid_until=valid_until or (rules.last_day(start, template.months_valid) if template and start else None),
        title=title.strip(),
        framework=framework,
        dnr=dnr.strip(),
        text_sv=text_sv,
        text_en=text_en,
        terms=terms,
        remuneration=remuneration,
    )
    await _check(draft)
    agreement_id = uuid4()
    async with database.transaction():
        await _insert(actor, author, agreement_id, draft)
    return agreement_id


def _person(actor: Actor) -> int:
    """An agreement has a person as its author."""
    if actor.person_id is None:
        raise NotSignedIn
    return actor.person_id


def _writes_for(actor: Actor, parties: frozenset[int]) -> bool:
    """Whether the actor writes agreements of these parties. A firm always acts for an organisation, never for all."""
    if not actor.may(Permission.AGREEMENT_CREATE, parties):
        return False
    only_firm = not actor.roles & {Role.LEGAL, Role.PROCUREMENT}
    return not only_firm or bool(actor.organisations(Role.FIRM) & parties)


async def _accountable(actor: Actor, entry_ids: Collection[int]) -> frozenset[int]:
    """Who answers for the entries: the accountable body, or what it is a unit of."""
    bodies = {(await entries.get_entry_by_id(actor, entry_id)).accountable_body for entry_id in set(entry_ids)}
    known = await accounts.organisations_by_id(bodies)
    return frozenset(body.parent_id or body.id for body in known.values())


async def _latest(code: str) -> _Template:
    row = await database.fetch_one(
        "SELECT v.id, t.type, t.months_valid, v.text_sv, v.text_en, v.terms FROM template t"
        " JOIN template_version v ON v.template = t.id WHERE t.code = $1 ORDER BY v.number DESC LIMIT 1",
        code,
    )
    if row is None:
        raise invalid("template", N_("There is no template with the code %(code)s."), code=code)
    return _Template(
        row["id"], AgreementType(row["type"]), row["months_valid"], row["text_sv"], row["text_en"], row["terms"]
    )


def _type(template: _Template | None, wanted: AgreementType | None) -> AgreementType:
    if template is not None and wanted not in {None, template.type}:
        raise invalid("type", N_("The template is for another type of agreement. Leave the type out."))
    if template is not None:
        return template.type
    if wanted is None:
        raise invalid("type", N_("Say which type of agreement it is, or choose a template."))
    return wanted


async def _check(draft: _Draft) -> None:
    faults = _faults_of_texts(
        draft.title, draft.dnr, (draft.text_sv, draft.text_en), draft.valid_from, draft.valid_until
    )
    if not draft.region_ids:
        faults.append(FieldError("entries", message(N_("Name at least one entry that the agreement covers."))))
    if draft.template is None and not draft.title:
        faults.append(FieldError("title", message(N_("Write a title, or choose a template."))))
    if draft.template is None and not (draft.text_sv or "").strip():
        faults.append(FieldError("text_sv", message(N_("Write the text, or choose a template."))))
    named = {draft.organisation_id} | draft.region_ids
    if len(await accounts.organisations_by_id(named)) < len(named):
        faults.append(FieldError("organisation", message(N_("There is no such organisation."))))
    faults += rules.faults_of_terms(draft.terms or {})
    if faults:
        raise InvalidInput(faults)


def _faults_of_texts(
    title: str, dnr: str, texts: tuple[str | None, str | None], valid_from: date | None, valid_until: date | None
) -> list[FieldError]:
    limits = (
        ("title", title, rules.LONGEST_TITLE),
        ("dnr", dnr, rules.LONGEST_DNR),
        ("text_sv", texts[0] or "", rules.LONGEST_TEXT),
        ("text_en", texts[1] or "", rules.LONGEST_TEXT),
    )
    faults = [
        FieldError(name, message(N_("The text is too long: at most %(max_length)s characters."), max_length=limit))
        for name, text, limit in limits
        if len(text) > limit
    ]
    if valid_from and valid_until and valid_until < valid_from:
        faults.append(FieldError("valid_until", message(N_("The end must not come before the start."))))
    return faults


async def _insert(actor: Actor, author: int, agreement_id: UUID, draft: _Draft) -> None:
    """Store a draft with its parties, entries and first version, in the running transaction."""
    await Agreement.insert(
        Agreement(
            id=agreement_id,
            type=draft.type.value,
            title=draft.title,
            dnr=draft.dnr,
            template_version=draft.template.version_id if draft.template else None,
            framework=draft.framework,
            valid_from=draft.valid_from,
            valid_until=draft.valid_until,
            remuneration=draft.remuneration.value if draft.remuneration else None,
            personal_data_required=draft.type is AgreementType.DATA_PROCESSING,
            author=author,
        )
    )
    # An organisation has no agreement with itself: in its own environments it stands alone, as the public party.
    parties = [(body, PartyRole.REGION) for body in sorted(draft.region_ids)]
    if draft.organisation_id not in draft.region_ids:
        parties.append((draft.organisation_id, PartyRole.COUNTERPARTY))
    await AgreementParty.insert(
        *[AgreementParty(agreement=agreement_id, organisation=body, role=role.value) for body, role in parties]
    )
    if draft.entry_ids:
        await AgreementEntry.insert(
            *[AgreementEntry(agreement=agreement_id, entry=entry_id) for entry_id in draft.entry_ids]
        )
    await record(actor, EventType.AGREEMENT_CREATED, agreement_id, {"type": draft.type.value})
    row = await locked(actor, agreement_id)
    filled = filled_template(row, row_of(row)) or ("", "")
    terms_id = (
        await store_terms(draft.terms or {})
        if draft.terms is not None or draft.template is None
        else draft.template.terms_id
    )
    text_sv = filled[0] if draft.text_sv is None else draft.text_sv
    text_en = filled[1] if draft.text_en is None else draft.text_en
    await _store_version(actor, agreement_id, 1, (text_sv, text_en), terms_id)


async def _store_version(actor: Actor, agreement_id: UUID, number: int, texts: tuple[str, str], terms_id: int) -> None:
    await AgreementVersion.insert(
        AgreementVersion(
            agreement=agreement_id,
            number=number,
            text_sv=texts[0],
            text_en=texts[1],
            sha256=text_hash(*texts),
            terms=terms_id,
            created_by=actor.person_id,
        )
    )


async def add_version(
    actor: Actor,
    agreement_id: UUID,
    *,
    text_sv: str | None = None,
    text_en: str | None = None,
    terms: Mapping[str, TermValue] | None = None,
    title: str | None = None,
    dnr: str | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> int:
    """Change a draft or an agreement that was sent back; what is None stays. Returns the new version's number.

    A text that is still the template's is filled in anew, so that it says the new dates. Signatures on the
    version before do not count for the new one.

    Raises:
        NotFound, NotPermitted; RuleBroken: the agreement has been sent in. InvalidInput: a text or date is wrong.
    """
    async with database.transaction():
        before = await locked(actor, agreement_id)
        agreement = row_of(before)
        if reason := rules.can_edit(actor, agreement.facts()):
            raise NotPermitted(reason)
        if reason := rules.is_editable(actor, agreement.facts()):
            raise RuleBroken(reason)
        new_dates = (valid_from or agreement.valid_from, valid_until or agreement.valid_until)
        new_title, new_dnr = (before["title"] if title is None else title), (agreement.dnr if dnr is None else dnr)
        faults = _faults_of_texts(new_title, new_dnr, (text_sv, text_en), *new_dates)
        if faults := faults + rules.faults_of_terms(terms or {}):
            raise InvalidInput(faults)
        await Agreement.update(
            {
                Agreement.title: new_title.strip(),
                Agreement.dnr: new_dnr.strip(),
                Agreement.valid_from: new_dates[0],
                Agreement.valid_until: new_dates[1],
            }
        ).where(Agreement.id == agreement_id)
        after = await locked(actor, agreement_id)
        old_filled = filled_template(before, agreement)
        new_filled = filled_template(after, row_of(after))
        kept = (before["text_sv"], before["text_en"])
        if new_filled is not None and kept == old_filled:
            kept = new_filled
        texts = (kept[0] if text_sv is None else text_sv, kept[1] if text_en is None else text_en)
        if not texts[0].strip():
            raise invalid("text_sv", N_("Write the text of the agreement in Swedish."))
        terms_id = before["terms_id"] if terms is None else await store_terms(terms)
        number = agreement.version_number + 1
        await _store_version(actor, agreement_id, number, texts, terms_id)
        await record(actor, EventType.AGREEMENT_CHANGED, agreement_id, {"version": number, "sha256": text_hash(*texts)})
    return number


async def open_missing(
    actor: Actor,
    *,
    organisation_id: int,
    audience: str,
    entry_ids: Collection[int],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime | None = None,
) -> list[UUID]:
    """Open a request for every required agreement that a booking lacks, and send it to legal; returns their ids.

    One agreement for each template and accountable body, from today until the end of the template's period or of
    the booking, whichever is later. What is already on its way is left as it is, so calling it again does nothing.

    Raises:
        NotSignedIn, NotPermitted: the actor does not act for the organisation.
    """
    author = _person(actor)
    if not actor.may(Permission.BOOKING_CREATE, [organisation_id]) and not _writes_for(
        actor, frozenset({organisation_id})
    ):
        raise NotPermitted(message(N_("You can only ask for agreements for an organisation that you act for.")))
    opened: list[UUID] = []
    wanted = organisation_id, audience, list(entry_ids), starts_at, ends_at
    # Most bookings lack nothing, and then those of one organisation need not wait for each other.
    if not await missing_agreements(*wanted):
        return opened
    async with database.transaction():
        # Two requests at the same time would otherwise both find the same agreement missing.
        await database.fetch("SELECT pg_advisory_xact_lock(hashtext('open_missing'), $1)", organisation_id)
        missing = await missing_agreements(*wanted)
        last = rules.today(ends_at - timedelta(microseconds=1))
        for (code, body), ids in _to_open(missing).items():
            template = await _latest(code)
            start = rules.today(now)
            draft = _Draft(
                type=template.type,
                template=template,
                organisation_id=organisation_id,
                region_ids=frozenset({body}),
                entry_ids=tuple(ids),
                valid_from=start,
                valid_until=max(rules.last_day(start, template.months_valid), last),
            )
            opened.append(uuid4())
            await _insert(actor, author, opened[-1], draft)
            await take_step(actor, opened[-1], "submit", now=now)
    return opened


def _to_open(missing: list[MissingAgreement]) -> dict[tuple[str, int], list[int]]:
    """The entries by template and accountable body. Templates of one type are alternatives: the first is enough."""
    wanted: dict[tuple[str, int], list[int]] = {}
    answered: set[tuple[int, AgreementType]] = set()
    for one in missing:
        if one.on_its_way or (one.entry_id, one.type) in answered:
            continue
        answered.add((one.entry_id, one.type))
        wanted.setdefault((one.template_code, one.body_id), []).append(one.entry_id)
    return wanted
