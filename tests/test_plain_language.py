"""Plain language: a sentence for every code of every field, in both languages, with nothing left open."""

import re

import pytest

from registry.agreements.codes import TERM_FIELDS, AgreementType, TermGroup, TermStatus, TermValue, ValueKind
from registry.errors import Message
from registry.formats import plain_language
from registry.formats.term_sentences import ANSWERS, REASONS, SENTENCES, TOPICS
from registry.web.term_labels import TERM_LABELS
from tests.factories_agreements import term, terms

EVERY_VALUE = [
    TermValue(name, TermStatus.VALUE, code=code)
    for name, field in TERM_FIELDS.items()
    if field.kind is ValueKind.CODE
    for code in field.values
] + [
    TermValue(name, TermStatus.VALUE, number=36)
    if field.kind is ValueKind.NUMBER
    else TermValue(name, TermStatus.VALUE, text="EUPL-1.2")
    for name, field in TERM_FIELDS.items()
    if field.kind is not ValueKind.CODE
]


def said(text: Message) -> str:
    return str(text)


@pytest.mark.parametrize("value", EVERY_VALUE, ids=lambda value: f"{value.field}={value.value}")
def test_every_code_has_a_whole_sentence(value: TermValue) -> None:
    text = said(plain_language.sentence(value))
    assert text[0].isupper()
    assert text.endswith(".")
    assert "%" not in text
    assert not re.search(r"\(\w+\)s", text)
    assert "_" not in text


def test_every_field_says_what_is_not_regulated_and_not_reviewed() -> None:
    for name in TERM_FIELDS:
        silent = said(plain_language.sentence(TermValue(name, TermStatus.NOT_REGULATED)))
        unread = said(plain_language.sentence(TermValue(name, TermStatus.NOT_REVIEWED)))
        assert silent.startswith("The agreement does not say ")
        assert unread.startswith("Legal has not yet reviewed ")
        assert silent != unread


def test_sentences_of_different_codes_differ() -> None:
    for field, sentences in SENTENCES.items():
        assert len(set(sentences.values())) == len(sentences), field


def test_no_sentence_is_left_over() -> None:
    known = {name: set(field.values) if field.kind is ValueKind.CODE else {""} for name, field in TERM_FIELDS.items()}
    assert {name: set(sentences) for name, sentences in SENTENCES.items()} == known
    assert set(TOPICS) == set(TERM_FIELDS)
    assert set(REASONS) == set(TermGroup)
    for name, answers in ANSWERS.items():
        assert set(answers) == known[name]


def test_every_field_group_and_status_has_a_label() -> None:
    assert set(TERM_LABELS["term_field"]) == set(TERM_FIELDS)
    assert set(TERM_LABELS["term_group"]) == {group.value for group in TermGroup}
    assert set(TERM_LABELS["term_status"]) == {status.value for status in TermStatus}


@pytest.mark.parametrize(
    ("field", "number", "expected"),
    [
        ("confidentiality_months", 36, "3 years"),
        ("confidentiality_months", 12, "one year"),
        ("confidentiality_months", 18, "18 months"),
        ("confidentiality_months", 1, "one month"),
        ("confidentiality_months", 0, "0 months"),
        ("publication_review_days", 30, "30 days"),
        ("publication_review_days", 1, "one day"),
        ("results_share_percent", 50, "50 per cent"),
    ],
)
def test_numbers_are_said_with_their_unit(field: str, number: int, expected: str) -> None:
    assert expected in said(plain_language.sentence(term(field, number)))


def test_summary_has_three_lines() -> None:
    given = terms(
        results_ownership="supplier",
        publication="after_review",
        publication_review_days=30,
        data_owner="region",
        region_rights="non_exclusive",
    )
    assert [said(line) for line in plain_language.summary(given)] == [
        "You own the results.",
        "You may publish the results when the host has had 30 days to read the text.",
        "The data belongs to the host. The host may use the results, but not as the only one.",
    ]


def test_summary_of_nothing_says_so() -> None:
    lines = [said(line) for line in plain_language.summary({})]
    assert len(lines) == 3
    assert all(line.startswith("Legal has not yet reviewed") for line in lines)


def test_summary_names_the_buyer_in_a_partnership() -> None:
    party = plain_language.public_party(AgreementType.PARTNERSHIP_CONTRACT)
    assert said(plain_language.summary(terms(results_ownership="buyer"), party)[0]) == "The buyer owns the results."


def test_glance_answers_shortly_and_notes_the_rest() -> None:
    given = terms(
        results_ownership="supplier",
        background_owner="each_own",
        publication="after_review",
        publication_review_days=30,
        publication_delay_days=60,
    )
    rows = {row.field: row for row in plain_language.glance(given)}
    assert said(rows["results_ownership"].question) == "Who owns the results?"
    assert said(rows["results_ownership"].answer) == "You do"
    assert said(rows["results_ownership"].note or Message("")).startswith("You keep what you bring")
    assert said(rows["publication"].answer) == "Yes, after 30 days"
    assert said(rows["publication"].note or Message("")) == "Publication can be put off by at most 60 days."
    assert said(rows["data_owner"].answer) == "Not yet reviewed by legal"


def test_full_has_every_field_with_its_clause() -> None:
    given = {"publication": term("publication", "allowed", clause="9", note_sv="Med omdöme.")}
    groups = plain_language.full(given)
    assert [group for group, _ in groups] == list(TermGroup)
    sentences = {sentence.field: sentence for _, group in groups for sentence in group}
    assert set(sentences) == set(TERM_FIELDS)
    assert (sentences["publication"].clause, sentences["publication"].note_sv) == ("9", "Med omdöme.")
