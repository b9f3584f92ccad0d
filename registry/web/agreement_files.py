"""An agreement as a file to print and sign: its version put into words of one language, then made PDF or DOCX."""

import asyncio
from datetime import date
from enum import StrEnum
from uuid import UUID

from registry.access import Actor
from registry.accounts import queries as accounts
from registry.agreements import versions
from registry.agreements.codes import TermStatus
from registry.agreements.states import AgreementState
from registry.agreements.texts import BlockKind, blocks
from registry.agreements.versions import Signed, VersionText
from registry.errors import N_, message
from registry.formats import agreement_docx, agreement_pdf, plain_language
from registry.formats.agreement_document import WORDS, AgreementDocument, SignatureBlock, TermLine
from registry.web import language
from registry.web.labels import label

_WORDS = {
    "page": N_("Page"),
    "of": N_("of"),
    "signatures": N_("Signatures"),
    "annex": N_("Annex: the terms in plain language"),
    "annex_note": N_(
        "Made from the terms that are registered for this version, to help the reader. “You” is whoever "
        "signs up to the agreement. If the annex and the text of the agreement differ, the text decides."
    ),
    "place_and_date": N_("Place and date"),
    "signature": N_("Signature"),
    "name_in_print": N_("Name in print"),
    "org_number": N_("organisation number"),
    "clause": N_("Clause"),
}
_NOT_FINAL = frozenset({AgreementState.DRAFT, AgreementState.IN_REVIEW, AgreementState.CHANGES_REQUESTED})


class FileKind(StrEnum):
    """What file an agreement is made into; the value is the end of its name."""

    PDF = "pdf"
    DOCX = "docx"


async def make_file(
    actor: Actor, agreement_id: UUID, kind: FileKind, code: str, number: int | None = None
) -> tuple[str, bytes]:
    """A version of an agreement (the newest unless told) as a file in a language (`sv` or `en`): name and content.

    Where the version has no English text, the Swedish one is used, and the file says that it is Swedish.

    Raises:
        NotFound: the actor may not see the agreement, or there is no such version.
        TextDamaged: the stored text is not the one that was written.
    """
    version = await versions.read_version(actor, agreement_id, number)
    chosen = "en" if code == "en" and version.text_en.strip() else "sv"
    parties = await accounts.organisations_by_id({party.organisation_id for party in version.agreement.parties})
    before = language.current_language()
    language.use_language(chosen)
    try:
        document = _document(version, {one.id: one.org_number or "" for one in parties.values()}, chosen)
        author = ", ".join(party.name for party in document.signatures)
    finally:
        language.use_language(before)
    render = agreement_pdf.render if kind is FileKind.PDF else agreement_docx.render
    content = await asyncio.to_thread(render, document, author)
    return f"{document.title} v{version.number}.{kind.value}", content


def _document(version: VersionText, numbers: dict[int, str], code: str) -> AgreementDocument:
    agreement, text = version.agreement, version.text_en if code == "en" else version.text_sv
    parts = blocks(text)
    titled = bool(parts) and parts[0].kind is BlockKind.TITLE
    party = plain_language.public_party(agreement.type)
    return AgreementDocument(
        language=code,
        title=parts[0].lines[0] if titled else language.in_language(agreement, "title"),
        banner=_banner(version),
        mark=_mark(version),
        facts=_facts(version),
        blocks=tuple(parts[1:] if titled else parts),
        summary=tuple(language.say(line) for line in plain_language.summary(version.terms, party)),
        terms=_terms(version, party),
        signatures=tuple(
            SignatureBlock(
                role=label(one.role.value, "party_role"),
                name=language.in_language(one, "name"),
                org_number=numbers[one.organisation_id],
                signed=_signed(version.signatures.get(one.organisation_id)),
            )
            for one in agreement.parties
        ),
        words={name: language.gettext(_WORDS[name]) for name in WORDS},
        written_at=version.created_at,
    )


def _banner(version: VersionText) -> str:
    """What the document is not; nothing in the newest version of an agreement that legal has approved."""
    if version.number != version.agreement.version_number:
        return language.gettext("This is an earlier version. A later one has taken its place.")
    if version.agreement.state in _NOT_FINAL:
        return language.gettext("Draft: legal has not approved this version yet.")
    return ""


def _mark(version: VersionText) -> str:
    said = message(
        N_("%(title)s, version %(number)s, SHA-256 %(hash)s…"),
        title=language.in_language(version.agreement, "title"),
        number=version.number,
        hash=version.sha256[:16],
    )
    return language.say(said)


def _facts(version: VersionText) -> tuple[tuple[str, str], ...]:
    agreement = version.agreement
    # An earlier version may have been of another period, which its text tells.
    is_newest = version.number == agreement.version_number
    until = [_day(day) for day in (agreement.valid_from, agreement.valid_until)] if is_newest else []
    names = [language.in_language(entry, "title") for entry in agreement.entries]
    if agreement.framework:
        names.insert(0, language.gettext("Everything that the public party answers for (framework agreement)."))
    facts = (
        (language.gettext("Parties"), ", ".join(language.in_language(one, "name") for one in agreement.parties)),
        (language.gettext("Covers"), ", ".join(names)),
        (language.gettext("Applies"), " – ".join(until)),
        (language.gettext("Case reference"), agreement.dnr or language.gettext("None yet")),
    )
    return tuple(fact for fact in facts if fact[1])


def _day(day: date | None) -> str:
    return language.show_long_date(day) if day else language.gettext("Not decided yet")


def _signed(signature: Signed | None) -> str:
    if signature is None:
        return ""
    said = message(
        N_("%(method)s by %(person)s on %(date)s."),
        method=label(signature.method.value, "signature_method"),
        person=signature.person,
        date=language.show_long_date(signature.at),
    )
    return language.say(said)


def _terms(version: VersionText, party: plain_language.PublicParty) -> tuple[tuple[str, tuple[TermLine, ...]], ...]:
    """The terms that have been reviewed, by group; a group that nobody has reviewed is left out."""
    groups = (
        (
            label(group.value, "term_group"),
            tuple(
                TermLine(language.say(one.text), one.clause)
                for one in sentences
                if one.status is not TermStatus.NOT_REVIEWED
            ),
        )
        for group, sentences in plain_language.full(version.terms, party)
    )
    return tuple(group for group in groups if group[1])
