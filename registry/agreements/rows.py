"""An agreement as a row: the one statement that reads it with its parties and entries, and its type."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from registry.agreements import rules
from registry.agreements.codes import AgreementType, PartyRole, SignatureMethod
from registry.agreements.rules import AgreementFacts, NextActor
from registry.agreements.states import AgreementState
from registry.agreements.texts import Particulars, fill
from registry.entries.queries import EntryLink
from registry.errors import Message


@dataclass(frozen=True)
class PartyView:
    """A party of an agreement and its signature on the current version; times are in UTC."""

    organisation_id: int
    role: PartyRole
    name_sv: str
    name_en: str
    signed_at: datetime | None
    method: SignatureMethod | None
    signed_by: str
    signer_name: str = ""
    org_number: str = ""


@dataclass(frozen=True)
class AgreementRow:
    """An agreement as lists show it. Dates are in Europe/Stockholm and included, times in UTC."""

    id: UUID
    type: AgreementType
    state: AgreementState
    title_sv: str
    title_en: str
    dnr: str
    framework: bool
    valid_from: date | None
    valid_until: date | None
    author_id: int
    author_name: str
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    decision_reason: str
    signed_at: datetime | None
    ended_at: datetime | None
    template_code: str | None
    version_number: int
    parties: tuple[PartyView, ...]
    entries: tuple[EntryLink, ...]
    writers: frozenset[int] = frozenset()
    assigned_to: int | None = None
    assigned_name: str = ""
    review_due_on: date | None = None

    def facts(self, today: date | None = None) -> AgreementFacts:
        """The facts for the rules, on a day (today unless told)."""
        by_role = {
            is_region: frozenset(p.organisation_id for p in self.parties if (p.role is PartyRole.REGION) is is_region)
            for is_region in (True, False)
        }
        return AgreementFacts(
            state=self.state,
            author=self.author_id,
            region=by_role[True],
            signers=by_role[False],
            signed=frozenset(p.organisation_id for p in self.parties if p.signed_at is not None),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            today=today or rules.today(),
            writers=self.writers,
        )

    @property
    def next_actor(self) -> NextActor:
        return rules.next_step(self.facts())[0]

    @property
    def next_step(self) -> Message:
        return rules.next_step(self.facts())[1]

    @property
    def waiting_since(self) -> datetime:
        """Since when the agreement has stood as it stands."""
        # Each later step sets its own moment, and sending in clears the decision before it.
        return self.ended_at or self.signed_at or self.decided_at or self.submitted_at or self.created_at

    @property
    def is_overdue(self) -> bool:
        """Whether the day by which legal meant to have reviewed it is over, and it still waits for legal."""
        due = self.review_due_on
        return self.state is AgreementState.IN_REVIEW and due is not None and due < rules.today()

    @property
    def days_waited(self) -> int:
        """Whole days since then."""
        return max(0, (datetime.now(UTC) - self.waiting_since).days)


# One row for each agreement, with its parties and entries, so that a list takes one statement whatever its length.
ROW = """
SELECT a.*, coalesce(nullif(a.title, ''), t.title_sv) AS title_sv,
       coalesce(nullif(a.title, ''), t.title_en) AS title_en,
       author.name AS author_name, t.code AS template_code,
       v.id AS version_id, v.number AS version_number, coalesce(assigned.name, '') AS assigned_name,
       (SELECT array_agg(DISTINCT w.created_by) FROM agreement_version w
        WHERE w.agreement = a.id AND w.created_by IS NOT NULL) AS writers,
       v.terms AS terms_id, v.text_sv, v.text_en, v.sha256,
       (SELECT json_agg(json_build_object(
                   'organisation_id', p.organisation, 'role', p.role, 'name_sv', o.name_sv, 'name_en', o.name_en,
                   'signed_at', s.signed_at, 'method', s.method, 'signed_by', coalesce(signer.name, ''),
                   'signer_name', coalesce(s.signer_name, ''),
                   'org_number', coalesce(o.org_number, '')
               ) ORDER BY p.role <> 'region', p.id)
        FROM agreement_party p JOIN organisation o ON o.id = p.organisation
        LEFT JOIN agreement_signature s ON s.version = v.id AND s.organisation = p.organisation
        LEFT JOIN person signer ON signer.id = s.person
        WHERE p.agreement = a.id) AS parties,
       (SELECT json_agg(json_build_object(
                   'id', e.id, 'slug', e.slug, 'kind', e.kind, 'title_sv', e.title_sv, 'title_en', e.title_en
               ) ORDER BY e.title_sv)
        FROM agreement_entry x JOIN entry e ON e.id = x.entry WHERE x.agreement = a.id) AS entries
       {more}
FROM agreement a
JOIN person author ON author.id = a.author
LEFT JOIN person assigned ON assigned.id = a.assigned_to
LEFT JOIN LATERAL (
    SELECT * FROM agreement_version WHERE agreement = a.id ORDER BY number DESC LIMIT 1
) v ON true
LEFT JOIN template_version tv ON tv.id = a.template_version
LEFT JOIN template t ON t.id = tv.template
{where}
"""


def row_of(row: Any) -> AgreementRow:  # noqa: ANN401  # a row of the statement above
    """The typed row."""
    return AgreementRow(
        writers=frozenset(row["writers"] or ()),
        assigned_to=row["assigned_to"],
        assigned_name=row["assigned_name"],
        review_due_on=row["review_due_on"],
        id=row["id"],
        type=AgreementType(row["type"]),
        state=AgreementState(row["state"]),
        title_sv=row["title_sv"],
        title_en=row["title_en"],
        dnr=row["dnr"],
        framework=row["framework"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        author_id=row["author"],
        author_name=row["author_name"],
        created_at=row["created_at"],
        submitted_at=row["submitted_at"],
        decided_at=row["decided_at"],
        decision_reason=row["decision_reason"],
        signed_at=row["signed_at"],
        ended_at=row["ended_at"],
        template_code=row["template_code"],
        version_number=row["version_number"] or 0,
        parties=tuple(_party(part) for part in json.loads(row["parties"] or "[]")),
        entries=tuple(EntryLink(**part) for part in json.loads(row["entries"] or "[]")),
    )


def _party(part: Mapping[str, Any]) -> PartyView:
    return PartyView(
        organisation_id=part["organisation_id"],
        role=PartyRole(part["role"]),
        name_sv=part["name_sv"],
        name_en=part["name_en"],
        signed_at=datetime.fromisoformat(part["signed_at"]) if part["signed_at"] else None,
        method=SignatureMethod(part["method"]) if part["method"] else None,
        signed_by=part["signed_by"],
        signer_name=part["signer_name"],
        org_number=part["org_number"],
    )


def particulars(agreement: AgreementRow, language: str) -> Particulars:
    """What the places of a template's text are filled with for an agreement."""

    def name(row: PartyView | EntryLink, field: str) -> str:
        other = "en" if language == "sv" else "sv"
        return str(getattr(row, f"{field}_{language}") or getattr(row, f"{field}_{other}"))

    return Particulars(
        language=language,
        parties=tuple(name(party, "name") for party in agreement.parties),
        entries=tuple(name(entry, "title") for entry in agreement.entries),
        valid_from=agreement.valid_from,
        valid_until=agreement.valid_until,
        dnr=agreement.dnr,
    )


def filled_template(row: Any, agreement: AgreementRow) -> tuple[str, str] | None:  # noqa: ANN401  # see row_of
    """The template's texts (Swedish, English) filled in for this agreement; None where it has no template."""
    if row["template_text_sv"] is None:
        return None
    return filled_texts(agreement, (row["template_text_sv"], row["template_text_en"]))


def filled_texts(agreement: AgreementRow, texts: tuple[str, str]) -> tuple[str, str]:
    """The texts of any template (Swedish, English) filled in for an agreement."""
    return fill(texts[0], particulars(agreement, "sv")), fill(texts[1], particulars(agreement, "en"))
