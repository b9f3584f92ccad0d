"""Signatures that come from elsewhere: a copy signed on paper, and an e-signature service."""

import hashlib
import io
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

from pypdf import PdfWriter

from registry import database, transitions
from registry.access import SYSTEM, Actor
from registry.accounts.authorities import signs_for
from registry.agreements import rules
from registry.agreements.codes import SignatureMethod
from registry.agreements.documents import add_document
from registry.agreements.rows import row_of
from registry.agreements.rules import Signing
from registry.agreements.states import ORDER_TRANSITIONS, AgreementState, OrderState
from registry.agreements.steps import go_on, locked, refuse_stale, sign, store_signature
from registry.agreements.tables import SigningOrder
from registry.audit.service import EventType, record
from registry.errors import N_, NotFound, NotPermitted, RuleBroken, invalid, message

LONGEST_SIGNER = 200


async def record_copy(
    actor: Actor,
    agreement_id: UUID,
    *,
    organisation_id: int | None,
    signer_name: str,
    filename: str,
    content: bytes,
    media_type: str,
    read_version: int | None = None,
    now: datetime | None = None,
) -> AgreementState:
    """Record that a counterparty has signed the current version on paper: who signed, and the signed copy.

    Document and signature are stored together or not at all. Returns the state after that.

    Raises:
        InvalidInput: the name or the copy is missing or wrong. Else as `sign` and `add_document` do.
    """
    if not signer_name.strip() or len(signer_name) > LONGEST_SIGNER:
        raise invalid("signer_name", N_("Write who has signed, as it stands in the signed copy."))
    async with database.transaction():
        refuse_stale(row_of(await locked(actor, agreement_id)), read_version)
        document_id = await add_document(actor, agreement_id, filename, content, media_type)
        return await sign(
            actor,
            agreement_id,
            organisation_id=organisation_id,
            method=SignatureMethod.RECORDED_COPY,
            signer_name=signer_name.strip(),
            document_id=document_id,
            now=now,
        )


class SigningService(Protocol):
    """What the registry needs of an e-signature service. An adapter for a real one keeps its own addresses and keys."""

    @property
    def name(self) -> str:
        """A short code that orders are stored under."""
        ...

    async def order(self, reference: str, *, title: str, text: str, sha256: str, name: str, email: str) -> None:
        """Ask a person to sign a text. The same reference again orders nothing more."""
        ...

    async def status(self, reference: str) -> OrderState:
        """Where an order stands."""
        ...

    async def signed_copy(self, reference: str) -> bytes:
        """The signed PDF of an order that has been signed."""
        ...


async def order_signature(
    actor: Actor, service: SigningService, agreement_id: UUID, *, organisation_id: int, now: datetime | None = None
) -> UUID:
    """Have the actor sign the current version for an organisation through a service; returns the order's id.

    The order's id is the reference that the service gets, so that sending it twice orders once.

    Raises:
        NotFound; NotPermitted: the actor may not sign for the organisation.
        RuleBroken: signed already, not yet approved, over, or sent to be signed already.
    """
    moment = now or datetime.now(UTC)
    async with database.transaction():
        row = await locked(actor, agreement_id)
        agreement = row_of(row)
        facts = agreement.facts(rules.today(moment))
        signing = Signing(facts, organisation_id, SignatureMethod.SIGNED_IN)
        if refusal := rules.may_sign(actor, signing):
            raise NotPermitted(refusal)
        if organisation_id not in await signs_for(actor.person_id, facts.parties, facts.region, facts.today):
            raise NotPermitted(message(N_("Nobody has recorded that you may sign for this organisation.")))
        if refusal := rules.can_be_signed(actor, signing):
            raise RuleBroken(refusal)
        if await database.fetch(
            "SELECT FROM signing_order WHERE version = $1 AND organisation = $2 AND state = 'ordered'",
            row["version_id"],
            organisation_id,
        ):
            raise RuleBroken(message(N_("It has been sent to be signed already.")))
        order_id = uuid4()
        await SigningOrder.insert(
            SigningOrder(
                id=order_id,
                version=row["version_id"],
                organisation=organisation_id,
                person=actor.person_id,
                service=service.name,
                reference=str(order_id),
                ordered_at=moment,
            )
        )
        data = {"order": order_id, "organisation": organisation_id, "version": agreement.version_number}
        await record(actor, EventType.SIGNING_ORDERED, agreement_id, data)
        text = f"{row['text_sv']}\n\n{row['text_en']}"
        await service.order(
            str(order_id), title=agreement.title_sv, text=text, sha256=row["sha256"], name=actor.name, email=actor.email
        )
    return order_id


_ORDER = """
SELECT o.*, v.agreement, p.name FROM signing_order o
JOIN agreement_version v ON v.id = o.version JOIN person p ON p.id = o.person
WHERE o.service = $1 AND o.reference = $2 FOR UPDATE OF o
"""


async def settle_order(service: SigningService, reference: str, *, now: datetime | None = None) -> OrderState:
    """Look up what became of an order and follow it; for a callback of the service, and for asking by the clock.

    A callback says only that something happened: what, is asked of the service itself. Called again, or twice at
    the same time, it changes nothing more. A signature on a text that has been replaced, or of somebody whose
    authority has ended meanwhile, does not count, and its order is closed as expired.

    Raises:
        NotFound: the registry never ordered it.
    """
    moment = now or datetime.now(UTC)
    async with database.transaction():
        order = await database.fetch_one(_ORDER, service.name, reference)
        if order is None:
            raise NotFound
        if order["state"] != OrderState.ORDERED:
            return OrderState(order["state"])
        told = await service.status(reference)
        if told is OrderState.ORDERED:
            return told
        if told is OrderState.SIGNED:
            return await _take_signature(service, order, moment)
        return await _close(order, "refuse" if told is OrderState.REFUSED else "expire", moment)


async def _take_signature(service: SigningService, order: database.Row, moment: datetime) -> OrderState:
    row = await locked(SYSTEM, order["agreement"])
    facts = row_of(row).facts(rules.today(moment))
    signing = Signing(facts, order["organisation"], SignatureMethod.E_SIGNATURE)
    may = await signs_for(order["person"], facts.parties, facts.region, facts.today)
    if (
        row["version_id"] != order["version"]
        or order["organisation"] not in may
        or rules.can_be_signed(SYSTEM, signing) is not None
    ):
        return await _close(order, "expire", moment)
    content = await service.signed_copy(order["reference"])
    document_id = await add_document(SYSTEM, order["agreement"], f"{order['reference']}.pdf", content, rules.PDF)
    person = Actor(person_id=order["person"], name=order["name"])
    await store_signature(
        person,
        order["agreement"],
        row=row,
        signing=signing,
        moment=moment,
        signer_name=order["name"],
        document_id=document_id,
    )
    state = await _close(order, "sign", moment, document_id)
    await go_on(person, order["agreement"], moment)
    return state


async def _close(order: database.Row, action: str, moment: datetime, document_id: UUID | None = None) -> OrderState:
    state = transitions.apply(ORDER_TRANSITIONS, action, OrderState(order["state"]))
    await database.fetch(
        "UPDATE signing_order SET state = $2, closed_at = $3, document = $4 WHERE id = $1",
        order["id"],
        state.value,
        moment,
        document_id,
    )
    await record(SYSTEM, EventType.SIGNING_CLOSED, order["agreement"], {"order": order["id"], "to": state.value})
    return state


class OfflineSigning:
    """A service without a network, for tests and for showing how it goes: whoever holds it decides what happens."""

    name = "offline"

    def __init__(self) -> None:
        self.orders: dict[str, OrderState] = {}
        self.hashes: dict[str, str] = {}

    async def order(self, reference: str, *, title: str, text: str, sha256: str, name: str, email: str) -> None:
        """Keep the order, with the hash of what was to be signed."""
        del title, name, email
        if hashlib.sha256(text.encode()).hexdigest() != sha256:
            raise ValueError(reference)
        self.orders.setdefault(reference, OrderState.ORDERED)
        self.hashes[reference] = sha256

    async def status(self, reference: str) -> OrderState:
        """What has been decided."""
        return self.orders[reference]

    async def signed_copy(self, reference: str) -> bytes:
        """A PDF with an empty page that names the order and the hash."""
        copy = PdfWriter()
        copy.add_blank_page(width=595, height=842)
        copy.add_metadata({"/Title": f"{reference} {self.hashes[reference]}"})
        written = io.BytesIO()
        copy.write(written)
        return written.getvalue()
