"""How a question is understood, with a small vocabulary and the words of a small index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from search.highlight import Highlighter
from search.index_words import IndexWords
from search.question import LEFT_OUT, Question, ask
from search.thesaurus import Thesaurus, token
from search.vocabulary import Concept

VEHICLE, BUS, MINIBUS, DRONE, HOME = 1, 2, 3, 4, 5
THESAURUS = Thesaurus(
    [
        Concept(VEHICLE, "vehicle", (), ("fordon",), ("vehicle",), ()),
        Concept(BUS, "bus", (), ("buss",), ("bus",), (VEHICLE,)),
        Concept(MINIBUS, "minibus", (), ("minibuss",), ("minibus",), (BUS,)),
        Concept(DRONE, "drone", (), ("drönare", "obemannad luftfarkost"), ("drone", "unmanned aircraft"), ()),
        Concept(HOME, "care-home", (), ("vårdboende",), ("care home",), ()),
    ]
)
WORDS = IndexWords(
    {
        **dict.fromkeys(["buss", "belysning", "vatten", "teknik", "care", "home", "visualisering", "domteater"], 3),
        **dict.fromkeys(["stralterapi", "flygplats"], 1),
        **{token(concept): 2 for concept in (VEHICLE, BUS, DRONE, HOME)},
    },
    THESAURUS,
    entries=100,
)


def asked(text: str) -> Question:
    return ask(text, THESAURUS, WORDS)


def all_words(question: Question, doubt: int) -> set[str]:
    return {
        word for reading in question.readings if reading.doubt == doubt for term in reading.terms for word in term.words
    }


def test_an_inflected_word_is_asked_by_the_form_that_the_index_has() -> None:
    assert asked("bussarna").readings[0].terms[0].words == ("buss",)


def test_terms_of_both_languages_name_the_same_notion() -> None:
    named = [asked(text).readings[0].terms[0].concepts for text in ("drönare", "drones", "obemannade luftfarkoster")]
    assert named == [(DRONE,)] * 3


def test_words_that_name_one_thing_together_are_found_by_the_thing() -> None:
    (term,) = asked("care home").sure[0].terms
    assert (term.words, term.concepts) == ((), (HOME,))


def test_they_may_stand_apart_where_little_is_found() -> None:
    apart = [reading.terms for reading in asked("care home").readings if reading.doubt == 1]
    assert any([term.literal for term in terms] == ["care", "home"] for terms in apart)


def test_a_compound_that_nobody_has_is_asked_by_its_parts_and_then_by_what_it_is() -> None:
    question = asked("vägbelysning")
    assert any("belysning" in all_words(question, doubt) for doubt in (1, 2, LEFT_OUT))
    assert {"vatten", "teknik"} <= all_words(asked("vattenteknik"), 1)


def test_a_narrow_notion_leads_to_the_wider_one_when_little_is_found() -> None:
    wider = [reading.terms[0].concepts for reading in asked("minibuss").readings if reading.doubt == 2]
    assert (BUS,) in wider


def test_misspelt_words_are_put_right_only_to_words_that_the_reader_may_see() -> None:
    assert asked("visualsering").corrected == "visualisering"
    nobody = IndexWords({}, THESAURUS, entries=0)
    assert ask("visualsering", THESAURUS, nobody).corrected == ""


def test_the_words_as_they_were_written_come_before_any_correction() -> None:
    first, *others = asked("visualsering").readings
    assert first.terms[0].literal == "visualsering"
    assert first.doubt == 0
    assert all(reading.doubt > 0 for reading in others)


def test_compounds_written_apart_are_put_together() -> None:
    assert "domteater" in all_words(asked("dom teater"), 1)


def test_what_begins_like_a_word_of_the_index_is_no_misspelling() -> None:
    question = asked("flygpl")
    assert question.corrected == ""
    assert question.readings[0].terms[0].beginning


def test_phrases_exclusions_and_alternatives_are_read() -> None:
    question = asked('"buss och båt" -tåg OR teknik')
    assert question.excluded == ("tag",)
    assert [reading.phrases for reading in question.readings] == [("buss och bat",), ()]
    assert all(reading.doubt == 0 for reading in question.readings)


@pytest.mark.parametrize("written", ["-el-bil", '-"el bil"', "-el/bil", "-(el)bil", "--el-bil"])
def test_what_is_left_out_may_be_several_words(written: str) -> None:
    assert asked(f"buss {written}").excluded == ("el bil",)


def test_a_phrase_is_meant_exactly() -> None:
    assert not asked('"buss"').has_doubtful


def test_surer_readings_come_first() -> None:
    doubts = [reading.doubt for reading in asked("vattenteknik buss drönare").readings]
    assert doubts == sorted(doubts)


@given(st.text(max_size=120))
def test_any_text_can_be_asked_and_is_bounded(text: str) -> None:
    question = asked(text)
    assert len(question.readings) <= 30
    assert all(len(reading.terms) <= 12 for reading in question.readings if reading.doubt == 0)


@given(st.text(alphabet=st.sampled_from('"-OR ab*&|!()<>\\'), max_size=60))
def test_operators_alone_do_no_harm(text: str) -> None:
    asked(text)


@pytest.mark.parametrize(
    ("question", "text", "marked"),
    [
        ("buss", "Många bussar här", "Många <mark>bussar</mark> här"),
        ("drönare", "A drone & more", "A <mark>drone</mark> &amp; more"),
        ("fordon", "En minibuss", "En <mark>minibuss</mark>"),
        ("båt", "Nya elbåtar", "Nya <mark>elbåtar</mark>"),
        ("unmanned aircraft", "En obemannad luftfarkost.", "En <mark>obemannad luftfarkost</mark>."),
        ('"buss och båt"', "Buss och båt, båt och buss", "<mark>Buss och båt</mark>, båt och buss"),
        ("buss", "<b>buss</b>", "&lt;b&gt;<mark>buss</mark>&lt;/b&gt;"),
    ],
)
def test_what_was_found_is_marked_and_everything_else_escaped(question: str, text: str, marked: str) -> None:
    assert Highlighter(asked(question), THESAURUS).mark(text, "sv") == marked


def test_a_fragment_shows_the_match_in_whole_words() -> None:
    text = "ord " * 200 + "strålterapi " + "ord " * 200
    fragment = Highlighter(asked("strålterapin"), THESAURUS).fragment(text, "sv")
    assert fragment is not None
    assert "<mark>strålterapi</mark>" in fragment
    assert len(fragment) < 400
    assert set(str(fragment).replace("<mark>", "").replace("</mark>", "").split()) == {"ord", "strålterapi"}


@given(st.text(max_size=200))
def test_marking_loses_nothing_of_a_text(text: str) -> None:
    marked = Highlighter(asked("buss drönare båt"), THESAURUS).mark(text, "sv")
    if marked is not None:
        assert marked.replace("<mark>", "").replace("</mark>", "") == str(escape(text))
