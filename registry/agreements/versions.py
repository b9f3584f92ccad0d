"""Reading one version of an agreement, whichever, and checking that what is stored is what was written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from registry import database
from registry.access import Actor
from registry.agreements.codes import SignatureMethod, TermValue
from registry.agreements.offers import terms_by_id
from registry.agreements.queries import AgreementRow, Comparison, comparison, get_agreement, visible_agreement
from registry.agreements.texts import check_hash
from registry.errors import NotFound


@dataclass(frozen=True)
class Signed:
    """Who signed a version for an organisation, when (UTC) and how."""

    person: str
    at: datetime
    method: SignatureMethod


@dataclass(frozen=True)
class VersionText:
    """A version of an agreement with its signatures by organisation. `created_at` is in UTC."""

    agreement: AgreementRow
    number: int
    text_sv: str
    text_en: str
    sha256: str
    terms: Mapping[str, TermValue]
    created_at: datetime
    signatures: Mapping[int, Signed]


async def read_version(actor: Actor, agreement_id: UUID, number: int | None = None) -> VersionText:
    """One version, the newest unless its number is given; the reading is logged as that of the agreement is.

    Raises:
        NotFound: there is no such version, or the actor may not see the agreement.
        TextDamaged: the stored text is not the one that was written.
    """
    agreement = await visible_agreement(actor, agreement_id)
    row = await database.fetch_one(
        "SELECT * FROM agreement_version WHERE agreement = $1 AND number = $2",
        agreement_id,
        agreement.version_number if number is None else number,
    )
    if row is None:
        raise NotFound
    check_hash(row["text_sv"], row["text_en"], row["sha256"])
    signatures = await database.fetch(
        "SELECT s.organisation, s.signed_at, s.method, p.name FROM agreement_signature s"
        " JOIN person p ON p.id = s.person WHERE s.version = $1",
        row["id"],
    )
    return VersionText(
        agreement=agreement,
        number=row["number"],
        text_sv=row["text_sv"],
        text_en=row["text_en"],
        sha256=row["sha256"],
        terms=(await terms_by_id([row["terms"]]))[row["terms"]],
        created_at=row["created_at"],
        signatures={
            one["organisation"]: Signed(one["name"], one["signed_at"], SignatureMethod(one["method"]))
            for one in signatures
        },
    )


async def compare_versions(actor: Actor, agreement_id: UUID, older: int, newer: int) -> Comparison:
    """Two versions of one agreement, the older as `a`, field by field and clause by clause.

    Raises:
        NotFound: the actor may not see the agreement, or there is no such version.
        TextDamaged: a stored text is not the one that was written.
    """
    first, second = await read_version(actor, agreement_id, older), await read_version(actor, agreement_id, newer)
    view = replace(
        await get_agreement(actor, agreement_id), text_sv=first.text_sv, text_en=first.text_en, terms=first.terms
    )
    return comparison(view, None, second.terms, (second.text_sv, second.text_en))
