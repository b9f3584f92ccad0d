"""Commands on templates and on what entries offer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from asyncpg import UniqueViolationError

from registry import database
from registry.access import Actor, Permission, require
from registry.agreements import rules
from registry.agreements.codes import TERM_FIELDS, AgreementType, TermStatus, TermValue
from registry.agreements.offers import terms_by_id
from registry.agreements.tables import IpTerm, IpTerms, Offer, Template, TemplateVersion
from registry.audit.service import EventType, record
from registry.entries import queries as entries
from registry.entries import rules as entry_rules
from registry.entries.codes import Audience
from registry.errors import N_, InvalidInput, NotFound, NotPermitted, invalid, message
from registry.jobs.service import Job, enqueue


async def create_template(
    actor: Actor,
    *,
    code: str,
    type: AgreementType,  # noqa: A002  # the domain's word
    audience: Sequence[Audience],
    title_sv: str,
    title_en: str,
    months_valid: int,
    text_sv: str,
    text_en: str,
    terms: Mapping[str, TermValue],
    example: bool = True,
) -> int:
    """Create a template, or a new version of it where text or terms differ; returns the template's id.

    Fields of the terms that are not given are stored as not reviewed.

    Raises:
        NotPermitted: only legal (and the registry itself) writes templates.
        InvalidInput: a term does not fit its field.
    """
    require(actor, Permission.AGREEMENT_REVIEW)
    columns: dict[str, Any] = {
        "type": type.value,
        "audience": [Audience(one).value for one in audience],
        "title_sv": title_sv,
        "title_en": title_en,
        "months_valid": months_valid,
        "example": example,
    }
    async with database.transaction():
        row = await database.fetch_one("SELECT * FROM template WHERE code = $1 FOR UPDATE", code)
        if row is None:
            try:
                rows = await Template.insert(Template(code=code, **columns)).returning(Template.id)
            except UniqueViolationError as error:
                raise invalid("code", N_("Somebody has just created a template with this code.")) from error
            template_id: int = rows[0]["id"]
            await record(actor, EventType.TEMPLATE_CREATED, template_id, {"code": code})
        else:
            template_id = row["id"]
            changed = sorted(name for name, value in columns.items() if row[name] != value)
            if changed:
                await Template.update({getattr(Template, name): columns[name] for name in changed}).where(
                    Template.id == template_id
                )
                await record(actor, EventType.TEMPLATE_CREATED, template_id, {"code": code, "fields": changed})
        await _new_version(actor, template_id, text_sv, text_en, terms)
    return template_id


async def _new_version(
    actor: Actor, template_id: int, text_sv: str, text_en: str, terms: Mapping[str, TermValue]
) -> None:
    latest = await database.fetch_one(
        "SELECT number, text_sv, text_en, terms FROM template_version WHERE template = $1 ORDER BY number DESC LIMIT 1",
        template_id,
    )
    if latest is not None and (latest["text_sv"], latest["text_en"]) == (text_sv, text_en):
        stored = (await terms_by_id([latest["terms"]]))[latest["terms"]]
        if stored == whole(terms):
            return
    number = (latest["number"] if latest else 0) + 1
    terms_id = await store_terms(terms)
    await TemplateVersion.insert(
        TemplateVersion(template=template_id, number=number, text_sv=text_sv, text_en=text_en, terms=terms_id)
    )
    await record(actor, EventType.TEMPLATE_VERSION_CREATED, template_id, {"number": number})
    for row in await database.fetch("SELECT entry FROM offer WHERE template = $1", template_id):
        await enqueue(Job.INDEX_ENTRY, entry_id=row["entry"])


def whole(terms: Mapping[str, TermValue]) -> dict[str, TermValue]:
    """The terms with every field, in the order of `TERM_FIELDS`; what is not given has not been reviewed.

    Raises:
        InvalidInput: a term does not fit its field.
    """
    given = {name: value if value.field else replace(value, field=name) for name, value in terms.items()}
    if faults := rules.faults_of_terms(given):
        raise InvalidInput(faults)
    return {name: given.get(name) or TermValue(name, TermStatus.NOT_REVIEWED) for name in TERM_FIELDS}


async def store_terms(terms: Mapping[str, TermValue]) -> int:
    """Store a set of terms in the running transaction and return its id; raises InvalidInput as `whole` does."""
    values = whole(terms)
    rows = await IpTerms.insert(IpTerms()).returning(IpTerms.id)
    terms_id: int = rows[0]["id"]
    await IpTerm.insert(
        *[
            IpTerm(
                terms=terms_id,
                field=value.field,
                status=value.status.value,
                code=value.code,
                number=value.number,
                text=value.text,
                clause=value.clause,
                note_sv=value.note_sv,
                note_en=value.note_en,
            )
            for value in values.values()
        ]
    )
    return terms_id


async def offer_terms(actor: Actor, entry_id: int, template_code: str, *, required: bool) -> None:
    """Say that an entry offers a template, and whether it has to be in force before a booking is confirmed.

    Raises:
        NotFound: there is no such entry (that the actor may see) or template.
        NotPermitted: the actor neither edits the entry nor reviews agreements.
    """
    entry = await entries.get_entry_by_id(actor, entry_id)
    if not entry_rules.can_edit.allows(actor, entry.facts) and not actor.may(
        Permission.AGREEMENT_REVIEW, entry.facts.responsible
    ):
        raise NotPermitted(message(N_("Only a host of this entry, the innovation unit or legal decides on its terms.")))
    async with database.transaction():
        template = await database.fetch_one("SELECT id FROM template WHERE code = $1", template_code)
        if template is None:
            raise NotFound(message(N_("There is no template with the code %(code)s."), code=template_code))
        known = await database.fetch_one(
            "SELECT id, required FROM offer WHERE entry = $1 AND template = $2 FOR UPDATE", entry_id, template["id"]
        )
        if known is not None and known["required"] == required:
            return
        if known is None:
            await Offer.insert(Offer(entry=entry_id, template=template["id"], required=required))
        else:
            await Offer.update({Offer.required: required}).where(Offer.id == known["id"])
        await record(
            actor,
            EventType.TERMS_OFFERED,
            entry_id,
            {"template": template_code, "required": required},
            entry_id=entry_id,
        )
        await enqueue(Job.INDEX_ENTRY, entry_id=entry_id)
