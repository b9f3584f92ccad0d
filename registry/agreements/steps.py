"""The steps of the state table, signing, and what follows the dates."""

from datetime import UTC, date, datetime
from uuid import UUID

from asyncpg import UniqueViolationError

from registry import database, transitions
from registry.access import SYSTEM, Actor
from registry.accounts.authorities import signs_for
from registry.agreements import rules
from registry.agreements.checklists import checklist_of
from registry.agreements.codes import SignatureMethod
from registry.agreements.rows import ROW, AgreementRow, row_of
from registry.agreements.rules import AgreementFacts, Signing
from registry.agreements.states import OVER, SIGNABLE, TRANSITIONS, AgreementState
from registry.agreements.tables import AgreementSignature
from registry.agreements.texts import text_hash
from registry.audit.service import EventType, record
from registry.errors import N_, Bilingual, EditedMeanwhile, NotFound, NotPermitted, RuleBroken, invalid, message
from registry.jobs.service import Job, enqueue

LONGEST_REASON = 5000


async def locked(actor: Actor, agreement_id: UUID) -> database.Row:
    """The row of an agreement, locked for the running transaction.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    await database.fetch("SELECT id FROM agreement WHERE id = $1 FOR UPDATE", agreement_id)
    row = await _row(agreement_id)
    if not rules.can_read.allows(actor, row_of(row).facts()):
        raise NotFound
    return row


_TEMPLATE = ", tv.text_sv AS template_text_sv, tv.text_en AS template_text_en, tv.terms AS template_terms_id"


async def _row(agreement_id: UUID) -> database.Row:
    row = await database.fetch_one(ROW.format(more=_TEMPLATE, where="WHERE a.id = $1"), agreement_id)
    if row is None:
        raise NotFound
    return row


async def take_step(
    actor: Actor,
    agreement_id: UUID,
    action: str,
    *,
    reason: str = "",
    read_version: int | None = None,
    now: datetime | None = None,
) -> AgreementState:
    """Take a step of the state table: submit, request_changes, approve or terminate; returns the new state.

    An approved agreement that everybody has signed already goes on by itself. `read_version` is the number of the
    version that the actor has read, where that is known.

    Raises:
        EditedMeanwhile: there is a newer version.
        NotFound, NotPermitted; TransitionNotAllowed: not from this state.
        RuleBroken: the agreement lacks dates or would have ended already. InvalidInput: the reason is missing.
    """
    moment = now or datetime.now(UTC)
    async with database.transaction():
        agreement = row_of(await locked(actor, agreement_id))
        refuse_stale(agreement, read_version)
        facts = agreement.facts(rules.today(moment))
        if refusal := rules.can_take[action](actor, facts):
            raise NotPermitted(refusal)
        state = transitions.apply(TRANSITIONS, action, agreement.state)
        _check_reason(action, reason)
        ready = rules.is_ready.get(action)
        if ready and (refusal := ready(actor, facts)):
            raise RuleBroken(refusal)
        if action == "approve":
            await _check_required_items(agreement)
        await _set_state(actor, agreement, state, **_columns(actor, action, reason.strip(), moment))
        if action == "approve":
            state = await go_on(actor, agreement_id, moment)
    return state


async def _check_required_items(agreement: AgreementRow) -> None:
    left = [item for item in await checklist_of(agreement.id) if item.required and not item.ticked]
    if left:
        raise RuleBroken(
            message(
                N_("Tick what has to be checked before you approve: %(items)s"),
                items=[Bilingual(item.text_sv, item.text_en) for item in left],
            )
        )


def refuse_stale(agreement: AgreementRow, read_version: int | None) -> None:
    """Raises EditedMeanwhile where the actor has read another version than the current one."""
    if read_version is not None and read_version != agreement.version_number:
        raise EditedMeanwhile(
            message(
                N_("There is a newer version of the agreement than the one you read. Load the page and read it first.")
            )
        )


def _check_reason(action: str, reason: str) -> None:
    if action in rules.NEEDS_REASON and not reason.strip():
        raise invalid("reason", N_("Write the reason, so that the other party knows what to do."))
    if len(reason) > LONGEST_REASON:
        raise invalid(
            "reason", N_("The text is too long: at most %(max_length)s characters."), max_length=LONGEST_REASON
        )


def _columns(actor: Actor, action: str, reason: str, moment: datetime) -> dict[str, object]:
    if action == "submit":
        # What legal asked for stays readable until the next decision.
        due = rules.review_due(rules.today(moment))
        return {"submitted_at": moment, "decided_by": None, "decided_at": None, "review_due_on": due}
    if action == "terminate":
        return {"ended_at": moment, "decision_reason": reason}
    return {"decided_by": actor.person_id, "decided_at": moment, "decision_reason": reason}


async def submit(actor: Actor, agreement_id: UUID, *, now: datetime | None = None) -> AgreementState:
    """Send a draft, or an agreement that was sent back, to legal. Raises as `take_step` does."""
    return await take_step(actor, agreement_id, "submit", now=now)


async def approve(actor: Actor, agreement_id: UUID, *, reason: str = "", now: datetime | None = None) -> AgreementState:
    """Approve an agreement that somebody else wrote. Raises as `take_step` does."""
    return await take_step(actor, agreement_id, "approve", reason=reason, now=now)


async def request_changes(
    actor: Actor, agreement_id: UUID, reason: str, *, now: datetime | None = None
) -> AgreementState:
    """Send an agreement back and say what has to be changed. Raises as `take_step` does."""
    return await take_step(actor, agreement_id, "request_changes", reason=reason, now=now)


async def terminate(actor: Actor, agreement_id: UUID, reason: str, *, now: datetime | None = None) -> AgreementState:
    """End an agreement that is in force, with the reason. Raises as `take_step` does."""
    return await take_step(actor, agreement_id, "terminate", reason=reason, now=now)


# --- Signing


async def sign(
    actor: Actor,
    agreement_id: UUID,
    *,
    organisation_id: int | None = None,
    method: SignatureMethod = SignatureMethod.SIGNED_IN,
    read_version: int | None = None,
    read_sha256: str | None = None,
    signer_name: str = "",
    document_id: UUID | None = None,
    now: datetime | None = None,
) -> AgreementState:
    """Sign the current version for an organisation; returns the state after that.

    Whoever signs up to the agreement may sign from the review on; the public party when legal has approved.
    The last signature of an approved agreement signs it, and it enters into force at once when its first day is here.
    Without `organisation_id` it is the one party that the actor can sign for. `read_sha256` is the hash of the text
    that the actor was shown. What was signed on paper names the `signer_name` and the signed copy, see signing.py.

    Raises:
        NotFound, NotPermitted; TransitionNotAllowed: not from this state.
        EditedMeanwhile: the text is not the one that was shown.
        RuleBroken: signed already, not yet approved, or over. InvalidInput: it is not clear for which party.
    """
    moment = now or datetime.now(UTC)
    try:
        async with database.transaction():
            row = await locked(actor, agreement_id)
            refuse_stale(row_of(row), read_version)
            _refuse_other_text(row, read_sha256)
            facts = row_of(row).facts(rules.today(moment))
            signing = Signing(facts, organisation_id or _only_party(actor, facts, method), method)
            if refusal := rules.may_sign(actor, signing):
                raise NotPermitted(refusal)
            if facts.state not in SIGNABLE:
                transitions.apply(TRANSITIONS, "sign", facts.state)
            if refusal := rules.can_be_signed(actor, signing):
                raise RuleBroken(refusal)
            if method is not SignatureMethod.SIGNED_IN and document_id is None:
                raise invalid("document", N_("Add the signed copy."))
            if method is SignatureMethod.SIGNED_IN:
                await _require_authority(actor, signing)
            await store_signature(
                actor,
                agreement_id,
                row=row,
                signing=signing,
                moment=moment,
                signer_name=signer_name,
                document_id=document_id,
            )
            state = await go_on(actor, agreement_id, moment)
    except UniqueViolationError as error:
        raise RuleBroken(message(N_("The organisation has already signed this version."))) from error
    return state


def _refuse_other_text(row: database.Row, read_sha256: str | None) -> None:
    """What is signed is what was shown: its hash is worked out again from the text at this moment."""
    if text_hash(row["text_sv"], row["text_en"]) != row["sha256"] or read_sha256 not in {None, row["sha256"]}:
        raise EditedMeanwhile(
            message(N_("The text is not the one that you were shown. Load the page and read it before you sign."))
        )


async def _require_authority(actor: Actor, signing: Signing) -> None:
    facts = signing.agreement
    if signing.organisation not in await signs_for(actor.person_id, facts.parties, facts.region, facts.today):
        raise NotPermitted(
            message(
                N_(
                    "Nobody has recorded that you may sign for this organisation. Ask the region's legal staff to do"
                    " it, or have somebody sign who may."
                )
            )
        )


def _only_party(actor: Actor, facts: AgreementFacts, method: SignatureMethod) -> int:
    """The party that the actor means: the only one that is left for the actor to sign for."""
    theirs = [o for o in sorted(facts.parties) if rules.may_sign.allows(actor, Signing(facts, o, method))]
    open_ones = [o for o in theirs if o not in facts.signed]
    if method is SignatureMethod.RECORDED_COPY:
        open_ones = [o for o in open_ones if o in facts.signers]
    if len(open_ones) > 1:
        raise invalid("organisation", N_("Say which organisation you sign for."))
    if not theirs:
        raise NotPermitted(message(N_("You can only sign for an organisation that you act for.")))
    return (open_ones or theirs)[0]


async def store_signature(
    actor: Actor,
    agreement_id: UUID,
    *,
    row: database.Row,
    signing: Signing,
    moment: datetime,
    signer_name: str,
    document_id: UUID | None,
) -> None:
    """Store and log a signature that has been checked, in the running transaction."""
    await AgreementSignature.insert(
        AgreementSignature(
            version=row["version_id"],
            organisation=signing.organisation,
            person=actor.person_id,
            method=signing.method.value,
            sha256=row["sha256"],
            signer_name=signer_name,
            document=document_id,
            signed_at=moment,
        )
    )
    await record(
        actor,
        EventType.AGREEMENT_SIGNED_BY_PARTY,
        agreement_id,
        {
            "organisation": signing.organisation,
            "version": row["version_number"],
            "sha256": row["sha256"],
            "method": signing.method.value,
        },
    )


# --- What follows by itself


async def go_on(actor: Actor, agreement_id: UUID, moment: datetime) -> AgreementState:
    """The state after a signature or an approval: signed by all, and in force when the first day is here."""
    agreement = row_of(await _row(agreement_id))
    facts = agreement.facts(rules.today(moment))
    if facts.state is not AgreementState.APPROVED or facts.unsigned:
        return facts.state
    state = transitions.apply(TRANSITIONS, "sign", facts.state)
    await _set_state(actor, agreement, state, signed_at=moment)
    if facts.valid_from is None or facts.valid_from > facts.today:
        return state
    return await _enter_into_force(row_of(await _row(agreement_id)))


async def _enter_into_force(agreement: AgreementRow) -> AgreementState:
    """Bookings that wait for the agreement confirm through the job; the registry itself acts, not a person."""
    state = transitions.apply(TRANSITIONS, "enter_into_force", agreement.state)
    await _set_state(SYSTEM, agreement, state)
    await enqueue(Job.CONFIRM_COVERED_BOOKINGS, agreement_id=agreement.id)
    return state


async def follow_dates(now: datetime | None = None) -> tuple[int, int]:
    """Let signed agreements whose first day is here enter into force, and those whose last day is over expire.

    Safe to run again and at the same time. Returns how many entered into force and how many expired.
    """
    moment = now or datetime.now(UTC)
    day = rules.today(moment)
    due = await database.fetch(
        "SELECT id FROM agreement WHERE state = 'signed' AND valid_from <= $1"
        " OR state = 'in_force' AND valid_until < $1 ORDER BY id",
        day,
    )
    entered = expired = 0
    for row in due:
        # One transaction for each, so that a fault in one holds no other back.
        async with database.transaction():
            steps = await _follow(row["id"], day, moment)
        entered += "enter_into_force" in steps
        expired += "expire" in steps
    return entered, expired


async def _follow(agreement_id: UUID, day: date, moment: datetime) -> list[str]:
    steps = []
    agreement = row_of(await locked(SYSTEM, agreement_id))
    if agreement.state is AgreementState.SIGNED and agreement.valid_from is not None and agreement.valid_from <= day:
        await _enter_into_force(agreement)
        agreement = row_of(await _row(agreement_id))
        steps.append("enter_into_force")
    if agreement.state is AgreementState.IN_FORCE and agreement.valid_until is not None and agreement.valid_until < day:
        state = transitions.apply(TRANSITIONS, "expire", agreement.state)
        await _set_state(SYSTEM, agreement, state, ended_at=moment)
        steps.append("expire")
    return steps


async def follow_dates_today() -> None:
    """`follow_dates` for the clock: run it soon after midnight in Stockholm, or every hour."""
    await follow_dates()


async def _set_state(actor: Actor, agreement: AgreementRow, state: AgreementState, **columns: object) -> None:
    names = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=3))
    await database.fetch(
        f"UPDATE agreement SET state = $2{', ' if names else ''}{names} WHERE id = $1",
        agreement.id,
        state.value,
        *columns.values(),
    )
    await record(
        actor,
        EventType.AGREEMENT_STATE_CHANGED,
        agreement.id,
        {"from": agreement.state.value, "to": state.value},
    )
    if state in OVER:
        await enqueue(Job.RECHECK_AGREEMENTS, agreement_id=agreement.id)
