"""Reading what entries offer and require, and the gate: which required agreements a booking still lacks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry import database
from registry.agreements.codes import TERM_FIELDS, AgreementType, TermStatus, TermValue
from registry.agreements.rules import NextActor
from registry.agreements.states import UNDER_WAY, AgreementState
from registry.entries.codes import Audience
from registry.errors import N_, Message, message


@dataclass(frozen=True)
class MissingAgreement:
    """A required agreement that is not in force for the whole booking.

    `agreement_id` and `state` are of the agreement that comes closest, if there is one. `next_actor` is `firm`
    or `legal`. `on_its_way` says that this agreement will cover the whole booking once it is in force,
    `ends_too_early` that it is in force now and its last day, `valid_until`, comes before the booking's.
    """

    entry_id: int
    type: AgreementType
    template_id: int
    template_code: str
    title_sv: str
    title_en: str
    agreement_id: UUID | None
    state: AgreementState | None
    next_actor: str
    explanation: Message
    on_its_way: bool = False
    months_valid: int = 24
    body_id: int = 0
    valid_until: date | None = None
    ends_too_early: bool = False


# The gate, in one statement. Parameters: organisation, audience, entries, start, end (half-open), states under way.
# An agreement counts for an organisation that signs up to it; a public party's agreements with others do not count
# for that party itself, only one that it has alone (an employee in an environment of the own committee).
# Both dates are included, in Europe/Stockholm; a booking that ends at midnight does not touch the next day.
_GATE = """
WITH day AS (
    SELECT ($4::timestamptz AT TIME ZONE 'Europe/Stockholm')::date AS first,
           (($5::timestamptz - interval '1 microsecond') AT TIME ZONE 'Europe/Stockholm')::date AS last
)
SELECT e.id AS entry_id, coalesce(b.parent, b.id) AS body_id, t.id AS template_id, t.code AS template_code, t.type,
       t.title_sv, t.title_en, t.months_valid, day.first, day.last,
       a.id AS agreement_id, a.state, a.valid_from, a.valid_until, a.whole, a.signed
FROM day, offer o
JOIN template t ON t.id = o.template
JOIN entry e ON e.id = o.entry
JOIN organisation b ON b.id = e.accountable_body
LEFT JOIN LATERAL (
    SELECT a.id, a.state, a.valid_from, a.valid_until,
           coalesce(a.valid_from <= day.first AND a.valid_until >= day.last, false) AS whole,
           EXISTS (
               SELECT FROM agreement_signature s
               WHERE s.organisation = $1 AND s.version = (
                   SELECT v.id FROM agreement_version v WHERE v.agreement = a.id ORDER BY v.number DESC LIMIT 1
               )
           ) AS signed
    FROM agreement a
    JOIN agreement_party us ON us.agreement = a.id AND us.organisation = $1
    WHERE a.type = t.type AND a.state <> 'draft'
      AND (us.role <> 'region' OR NOT EXISTS (
          SELECT FROM agreement_party p WHERE p.agreement = a.id AND p.organisation <> $1
      ))
      AND (
          EXISTS (SELECT FROM agreement_entry x WHERE x.agreement = a.id AND x.entry = e.id)
          OR a.framework AND EXISTS (
              SELECT FROM agreement_party p
              WHERE p.agreement = a.id AND p.role = 'region' AND p.organisation IN (b.id, b.parent)
          )
      )
    ORDER BY a.state = 'in_force' AND coalesce(a.valid_from <= day.first AND a.valid_until >= day.last, false) DESC,
             a.state = ANY ($6) AND coalesce(a.valid_from <= day.first AND a.valid_until >= day.last, false) DESC,
             a.state = 'in_force' DESC, a.state = ANY ($6) DESC, a.created_at DESC, a.id
    LIMIT 1
) a ON true
WHERE o.required AND o.entry = ANY ($3) AND $2 = ANY (t.audience)
  AND NOT coalesce(a.state = 'in_force' AND a.whole, false)
ORDER BY array_position($3, e.id), t.id
"""


async def missing_agreements(
    organisation_id: int, audience: str, entry_ids: list[int], starts_at: datetime, ends_at: datetime
) -> list[MissingAgreement]:
    """What a booking of these entries over `[starts_at, ends_at)` lacks; empty when all is in force for all of it."""
    rows = await database.fetch(
        _GATE,
        organisation_id,
        str(audience),
        list(entry_ids),
        starts_at,
        ends_at,
        [state.value for state in UNDER_WAY],
    )
    return [_missing(row) for row in rows]


@dataclass(frozen=True)
class Asked:
    """What one booking asks the gate, see `missing_agreements`."""

    organisation_id: int
    audience: str
    entry_ids: Sequence[int]
    starts_at: datetime
    ends_at: datetime


# The same gate for many bookings at once: their values take the place of its parameters.
_GATES = """
SELECT asked.number, gate.* FROM jsonb_to_recordset($1::jsonb) AS asked
    (number int, organisation int, audience text, entries bigint[], starts_at timestamptz, ends_at timestamptz)
CROSS JOIN LATERAL ({gate}) AS gate ORDER BY asked.number
""".format(
    gate=_GATE.replace("$1", "asked.organisation")
    .replace("$2", "asked.audience")
    .replace("$3", "asked.entries")
    .replace("$4", "asked.starts_at")
    .replace("$5", "asked.ends_at")
    .replace("$6", "$2")
)


async def missing_agreements_of_many(bookings: Sequence[Asked]) -> list[list[MissingAgreement]]:
    """What `missing_agreements` says of each booking, in one query and in their order."""
    asked = [
        {
            "number": number,
            "organisation": one.organisation_id,
            "audience": one.audience,
            "entries": list(one.entry_ids),
            "starts_at": one.starts_at.isoformat(),
            "ends_at": one.ends_at.isoformat(),
        }
        for number, one in enumerate(bookings)
    ]
    found: list[list[MissingAgreement]] = [[] for _ in bookings]
    for row in await database.fetch(_GATES, json.dumps(asked), [state.value for state in UNDER_WAY]):
        found[row["number"]].append(_missing(row))
    return found


def _missing(row: database.Row) -> MissingAgreement:
    state = AgreementState(row["state"]) if row["state"] else None
    on_its_way = state in UNDER_WAY and row["whole"]
    actor, explanation = _explain(row, state, on_its_way=on_its_way)
    return MissingAgreement(
        entry_id=row["entry_id"],
        type=AgreementType(row["type"]),
        template_id=row["template_id"],
        template_code=row["template_code"],
        title_sv=row["title_sv"],
        title_en=row["title_en"],
        agreement_id=row["agreement_id"],
        state=state,
        next_actor=actor.value,
        explanation=explanation,
        on_its_way=on_its_way,
        months_valid=row["months_valid"],
        body_id=row["body_id"],
        valid_until=row["valid_until"],
        ends_too_early=state is AgreementState.IN_FORCE and row["valid_until"] < row["last"],
    )


def _explain(row: database.Row, state: AgreementState | None, *, on_its_way: bool) -> tuple[NextActor, Message]:
    """What is missing, told to whoever books, and who acts next."""
    if state is None:
        return NextActor.FIRM, message(
            N_("There is no agreement yet. It is prepared when you send the booking request.")
        )
    if on_its_way:
        actor, sentence = _ON_ITS_WAY[state, row["signed"] or state is AgreementState.SIGNED]
        return actor, message(sentence, valid_from=row["valid_from"])
    dates: dict[str, date] = {"valid_from": row["valid_from"], "valid_until": row["valid_until"]}
    if state in UNDER_WAY:
        return NextActor.FIRM, message(
            N_("An agreement is under way, but only for %(valid_from)s to %(valid_until)s, not for the whole booking."),
            **dates,
        )
    if state is AgreementState.IN_FORCE and row["valid_until"] < row["last"]:
        return NextActor.FIRM, message(
            N_("Your agreement is in force but ends on %(valid_until)s, before the booking does. You need a new one."),
            **dates,
        )
    if state is AgreementState.IN_FORCE:
        return NextActor.FIRM, message(
            N_(
                "Your agreement is in force but begins on %(valid_from)s, after the booking does. You need another one."
            ),
            **dates,
        )
    return NextActor.FIRM, message(N_("Your earlier agreement is no longer in force. You need a new one."))


_S = AgreementState
# By the state of an agreement that will cover the booking, and whether the organisation has signed it.
_ON_ITS_WAY: Mapping[tuple[AgreementState, bool], tuple[NextActor, str]] = {
    (_S.IN_REVIEW, False): (NextActor.LEGAL, N_("Legal reviews the agreement. You can sign it now.")),
    (_S.IN_REVIEW, True): (NextActor.LEGAL, N_("You have signed. Legal reviews the agreement and then signs.")),
    (_S.CHANGES_REQUESTED, False): (
        NextActor.FIRM,
        N_("Legal has asked for changes in the agreement. Open it, answer and send it again."),
    ),
    (_S.CHANGES_REQUESTED, True): (
        NextActor.FIRM,
        N_("Legal has asked for changes in the agreement. Open it, answer and send it again."),
    ),
    (_S.APPROVED, False): (NextActor.FIRM, N_("Legal has approved the agreement. It waits for your signature.")),
    (_S.APPROVED, True): (NextActor.LEGAL, N_("You have signed. Legal signs for the public party next.")),
    # Nobody has to do anything, but it is legal who answers for the dates.
    (_S.SIGNED, True): (
        NextActor.LEGAL,
        N_("Everybody has signed. The agreement enters into force by itself on %(valid_from)s."),
    ),
}


@dataclass(frozen=True)
class OfferView:
    """A template that an entry offers, and whether an agreement of it must be in force before a booking confirms."""

    entry_id: int
    template_id: int
    template_code: str
    type: AgreementType
    audience: tuple[Audience, ...]
    title_sv: str
    title_en: str
    required: bool
    example: bool


_OFFERS = """
SELECT o.entry AS entry_id, o.required, t.id AS template_id, t.code AS template_code, t.type, t.audience,
       t.title_sv, t.title_en, t.example
FROM offer o JOIN template t ON t.id = o.template
WHERE o.entry = ANY ($1) AND ($2::text IS NULL OR $2 = ANY (t.audience))
ORDER BY array_position($1, o.entry), o.required DESC, t.type, t.id
"""


async def required_for(audience: str | None, entry_ids: list[int]) -> list[OfferView]:
    """What these entries offer an audience (or all), what is required first. The caller has checked the entries."""
    rows = await database.fetch(_OFFERS, list(entry_ids), None if audience is None else str(audience))
    return [_offer(row) for row in rows]


def _offer(row: database.Row) -> OfferView:
    return OfferView(
        entry_id=row["entry_id"],
        template_id=row["template_id"],
        template_code=row["template_code"],
        type=AgreementType(row["type"]),
        audience=tuple(Audience(code) for code in row["audience"]),
        title_sv=row["title_sv"],
        title_en=row["title_en"],
        required=row["required"],
        example=row["example"],
    )


@dataclass(frozen=True)
class OfferedTerms:
    """The terms of a template as an entry offers them, or (`required` is False) as a model on its own."""

    template_id: int
    template_code: str
    type: AgreementType
    audience: tuple[Audience, ...]
    title_sv: str
    title_en: str
    required: bool
    example: bool
    version_number: int
    terms: Mapping[str, TermValue]


_LATEST = """
SELECT t.id AS template_id, t.code AS template_code, t.type, t.audience, t.title_sv, t.title_en, t.example,
       v.number, v.terms AS terms_id, v.text_sv, v.text_en, v.created_at{more}
FROM template t
JOIN LATERAL (SELECT * FROM template_version WHERE template = t.id ORDER BY number DESC LIMIT 1) v ON true
{where}
"""


async def offered_terms(entry_id: int) -> list[OfferedTerms]:
    """The terms that an entry offers, what is required first. The caller has checked that the entry may be seen."""
    rows = await database.fetch(
        _LATEST.format(
            more=", o.required",
            where="JOIN offer o ON o.template = t.id AND o.entry = $1 ORDER BY o.required DESC, t.type, t.id",
        ),
        entry_id,
    )
    terms = await terms_by_id(row["terms_id"] for row in rows)
    return [_offered(row, terms[row["terms_id"]], required=row["required"]) for row in rows]


async def models() -> list[OfferedTerms]:
    """All templates with the terms of their latest version; open to everybody."""
    rows = await database.fetch(_LATEST.format(more="", where="ORDER BY t.type, t.id"))
    terms = await terms_by_id(row["terms_id"] for row in rows)
    return [_offered(row, terms[row["terms_id"]], required=False) for row in rows]


@dataclass(frozen=True)
class Model:
    """A template with its latest text, whose places are not filled in."""

    offered: OfferedTerms
    text_sv: str
    text_en: str


async def model(code: str) -> Model | None:
    """A template by its code; open to everybody."""
    row = await database.fetch_one(_LATEST.format(more="", where="WHERE t.code = $1"), code)
    if row is None:
        return None
    terms = await terms_by_id([row["terms_id"]])
    return Model(_offered(row, terms[row["terms_id"]], required=False), row["text_sv"], row["text_en"])


def _offered(row: database.Row, terms: Mapping[str, TermValue], *, required: bool) -> OfferedTerms:
    return OfferedTerms(
        template_id=row["template_id"],
        template_code=row["template_code"],
        type=AgreementType(row["type"]),
        audience=tuple(Audience(code) for code in row["audience"]),
        title_sv=row["title_sv"],
        title_en=row["title_en"],
        required=required,
        example=row["example"],
        version_number=row["number"],
        terms=terms,
    )


async def terms_by_id(ids: Iterable[int]) -> dict[int, dict[str, TermValue]]:
    """Sets of terms by id, each with every field in the order of `TERM_FIELDS`; what is not stored is not reviewed."""
    wanted = set(ids)
    rows = await database.fetch("SELECT * FROM ip_term WHERE terms = ANY ($1)", list(wanted)) if wanted else []
    stored: dict[int, dict[str, TermValue]] = {set_id: {} for set_id in wanted}
    for row in rows:
        stored[row["terms"]][row["field"]] = TermValue(
            field=row["field"],
            status=TermStatus(row["status"]),
            code=row["code"],
            number=row["number"],
            text=row["text"],
            clause=row["clause"],
            note_sv=row["note_sv"],
            note_en=row["note_en"],
        )
    return {
        set_id: {name: found.get(name) or TermValue(name, TermStatus.NOT_REVIEWED) for name in TERM_FIELDS}
        for set_id, found in stored.items()
    }
