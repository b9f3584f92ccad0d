"""Filling in the IP terms: the form field by field, what it refuses, and the marks of the terms in brief."""

from litestar import Litestar

from registry.agreements import queries
from registry.agreements.codes import TERM_FIELDS, TermStatus, TermValue, ValueKind
from registry.formats import plain_language
from registry.web import term_forms
from tests import factories_agreements
from tests.clients import browser, send
from tests.factories_agreements import Case, term


def every_field() -> dict[str, TermValue]:
    """Terms in which every field has its last value, with its clause and notes."""
    more = {"clause": "5", "note_sv": "Se bilaga 1.", "note_en": "See annex 1."}
    found = {}
    for name, field in TERM_FIELDS.items():
        if field.kind is ValueKind.CODE:
            found[name] = term(name, field.values[-1], **more)
        elif field.kind is ValueKind.NUMBER:
            found[name] = term(name, 36, **more)
        else:
            found[name] = TermValue(name, TermStatus.VALUE, text="EUPL-1.2 OR MIT", **more)
    return found


def test_every_field_comes_back_from_its_form() -> None:
    assert term_forms.read_terms(term_forms.values_of(every_field())) == every_field()
    for status in (TermStatus.NOT_REGULATED, TermStatus.NOT_REVIEWED):
        silent = {name: TermValue(name, status) for name in TERM_FIELDS}
        assert term_forms.read_terms(term_forms.values_of(silent)) == silent


async def test_author_fills_in_the_terms_and_sees_them_in_words(application: Litestar) -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    firm = await browser(application, case.member)
    path = f"/agreements/{draft}/terms"
    shown = await firm.get(path, params={"lang": "en"})
    assert shown.status_code == 200
    assert 'value="supplier" checked' in shown.text
    sent = await send(firm, path, term_forms.values_of(every_field()))
    assert sent.status_code == 303, sent.text
    view = await queries.get_agreement(case.member, draft)
    assert (view.terms, view.agreement.version_number) == (every_field(), 2)
    page = (await firm.get(f"/agreements/{draft}", params={"lang": "en"})).text
    assert "Software that is published as open source gets the licence EUPL-1.2 OR MIT." in page
    assert "See annex 1." in page


async def test_terms_that_are_as_they_were_make_no_version(application: Litestar) -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    firm = await browser(application, case.member)
    values = term_forms.values_of((await queries.get_agreement(case.member, draft)).terms)
    assert (await send(firm, f"/agreements/{draft}/terms", values)).status_code == 303
    assert (await queries.get_agreement(case.member, draft)).agreement.version_number == 1


async def refused(application: Litestar, case: Case, **changed: str) -> str:
    """The page after sending the form with some parts changed; nothing has been stored."""
    draft = await case.draft()
    firm = await browser(application, case.member)
    values = term_forms.values_of(every_field()) | {name.replace("__", "."): text for name, text in changed.items()}
    answer = await send(firm, f"/agreements/{draft}/terms?lang=en", values)
    assert answer.status_code == 422
    assert (await queries.get_agreement(case.member, draft)).agreement.version_number == 1
    return answer.text


async def test_terms_that_do_not_fit_are_refused_where_they_stand(application: Litestar) -> None:
    case = await factories_agreements.case()
    page = await refused(
        application,
        case,
        results_ownership__choice="everybody",
        results_share_percent__value="101",
        confidentiality_months__value="three years",
        open_source_licence__value="the usual one!",
        region_field__value="",
        march_in__clause="x" * 21,
    )
    for field in (
        "results_ownership.choice",
        "results_share_percent.value",
        "confidentiality_months.value",
        "open_source_licence.value",
        "region_field.value",
        "march_in.clause",
    ):
        assert f'href="#f-{field}"' in page, field
    assert "Write a whole number, with digits only." in page
    assert "SPDX identifier" in page
    assert 'value="three years"' in page


async def test_terms_of_an_agreement_in_review_cannot_be_changed(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm = await browser(application, case.member)
    assert (await firm.get(f"/agreements/{agreement_id}/terms")).status_code == 409
    stranger = await browser(application, (await factories_agreements.case()).member)
    assert (await stranger.get(f"/agreements/{agreement_id}/terms")).status_code == 404


def test_every_answer_in_brief_has_a_symbol_and_a_word() -> None:
    for name in (row.field for row in plain_language.glance({})):
        codes = TERM_FIELDS[name].values
        given = [term(name, code) for code in codes] or [term(name, 36)]
        silent = [TermValue(name, status) for status in (TermStatus.NOT_REGULATED, TermStatus.NOT_REVIEWED)]
        marks = [
            next(row for row in plain_language.glance({name: one}) if row.field == name) for one in (*given, *silent)
        ]
        assert {row.tone for row in marks} <= {"good", "bad", "waiting", "info", "neutral"}
        words = {str(row.mark) for row in marks}
        assert {"Not regulated", "Not reviewed"} < words
        assert len(words) == (5 if codes else 3), name


def test_marks_say_whose_the_results_are() -> None:
    def mark(code: str) -> tuple[str, str]:
        row = plain_language.glance({"results_ownership": term("results_ownership", code)})[0]
        return row.tone, str(row.mark)

    assert mark("supplier") == ("good", "Your right")
    assert mark("buyer") == ("bad", "Not your right")
    assert mark("joint") == ("waiting", "Shared, or on conditions")
