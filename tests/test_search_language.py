"""Words: base forms, parts of compounds, folding, and the order of titles."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search import swedish
from search.folding import fold
from search.language import forms, is_word, keys, order_key, part_keys, tells, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bussarna", "buss"),
        ("Sjukhusen", "sjukhuset"),
        ("städer", "stad"),
        ("drivlinor", "drivlinan"),
        ("strålterapin", "strålterapi"),
        ("stralterapin", "strålterapi"),
        ("laddskenorna", "laddskena"),
        ("museer", "museum"),
        ("hållbart", "hållbar"),
        ("vehicles", "vehicle"),
        ("testing", "tested"),
        ("cities", "city"),
        ("Luleå", "lulea"),
    ],
)
def test_forms_of_a_word_share_a_key(one: str, other: str) -> None:
    assert set(keys(one.lower())) & set(keys(other.lower()))


@pytest.mark.parametrize(("one", "other"), [("buss", "båt"), ("teater", "test"), ("sol", "solna"), ("vård", "värd")])
def test_different_words_share_none_unless_only_their_marks_differ(one: str, other: str) -> None:
    shared = set(keys(one)) & set(keys(other))
    assert bool(shared) == (fold(one) == fold(other))


@pytest.mark.parametrize("abbreviation", ["ai", "it", "us"])
@pytest.mark.parametrize("language", ["sv", "en", None])
def test_abbreviations_are_no_forms_of_other_words(abbreviation: str, language: str | None) -> None:
    assert keys(abbreviation, language) == (abbreviation,)


@pytest.mark.parametrize(
    ("compound", "parts"),
    [
        ("elbåtar", ("el", "båtar")),
        ("vattenreningsteknik", ("vatten", "rening", "teknik")),
        ("vägbelysning", ("väg", "belysning")),
        ("ansvarsfrågor", ("ansvar", "frågor")),
        ("arbetsplatsen", ("arbete", "platsen")),
        ("byggmaterial", ("bygga", "material")),
        ("användarpanel", ("användare", "panel")),
        ("universitetssjukhuset", ("universitet", "sjukhuset")),
        ("laddskenor", ("ladda", "skenor")),
        ("domteater", ("dom", "teater")),
        ("scenkonstprototyper", ("scen", "konst", "prototyper")),
    ],
)
def test_compounds_are_split_where_people_hear_the_parts(compound: str, parts: tuple[str, ...]) -> None:
    assert swedish.parts(compound) == parts


def test_a_compound_without_its_marks_is_split_like_the_one_with_them() -> None:
    assert swedish.parts("valfardsteknik", loosely=True) == ("valfard", "teknik")
    assert set(part_keys("strålterapi")) <= set(part_keys("stralterapi"))


@pytest.mark.parametrize(
    "word",
    [
        *("sjukhus", "upphandling", "hus", "robotik", "luleå", "teknik", "förskola", "vehicle", "företag", "medtest"),
        *("transport", "transporter", "lägenhet", "lägenheten", "plattform", "trådlös", "gotland", "lastbil"),
        *("forskare", "byggande", "omslutande", "landskap", "vetenskap", "partnerskap", "produktion", "robotik"),
    ],
)
def test_words_that_are_one_notion_are_not_split(word: str) -> None:
    assert swedish.parts(word) == ()


@pytest.mark.parametrize("word", ["training", "testing", "broadband", "kindergarten", "warehouse"])
def test_english_words_are_no_swedish_compounds(word: str) -> None:
    assert part_keys(word) == ()


@pytest.mark.parametrize(("word", "other"), [("smarta", "smärta"), ("lastbilar", "låsa"), ("hemmet", "HEMS".lower())])
def test_words_that_differ_in_their_marks_or_are_abbreviations_are_other_words(word: str, other: str) -> None:
    assert other not in forms(word, "sv")


def test_who_does_something_is_not_what_is_done() -> None:
    assert forms("användarna", "sv")[0] == "användare"
    assert "användare" not in forms("används", "sv")


@pytest.mark.parametrize(
    "word", ["sista", "milen", "winter", "tyre", "realty", "bokbar", "halt", "väglag", "aldreboende"]
)
def test_words_of_a_dictionary_are_no_slips(word: str) -> None:
    assert is_word(word)


@pytest.mark.parametrize("word", ["återvinnig", "visualsering", "kollektivtraffik"])
def test_words_of_no_dictionary_may_be_slips(word: str) -> None:
    assert not is_word(word)


def test_english_words_in_a_swedish_text_are_bent_as_english_ones() -> None:
    assert "care" in forms("care", "sv")
    assert "car" not in forms("care", "sv")


def test_the_last_part_of_a_compound_comes_first_because_it_says_what_the_thing_is() -> None:
    assert part_keys("elbåtar")[0] == "bat"


@given(st.text(max_size=40))
@example("ᴬ")
def test_any_text_has_words_that_are_folded_and_have_keys(text: str) -> None:
    for word in words(text):
        assert fold(word) in keys(word)
        assert all(key == fold(key) for key in keys(word))
        assert "" not in part_keys(word)


@given(st.sampled_from(["el", "väg", "vård", "data", "buss", "sol"]), st.sampled_from(["teknik", "center", "rum"]))
def test_a_compound_is_found_by_what_it_is_a_kind_of(first: str, last: str) -> None:
    assert last in part_keys(first + last) or swedish.parts(first + last) == ()


def test_stop_words_tell_nothing_in_either_language() -> None:
    assert not any(tells(word) for word in ("och", "för", "the", "of"))
    assert tells("buss")


def test_order_keys_put_swedish_letters_last_in_swedish_only() -> None:
    assert sorted(["Öl", "Zon", "Ål", "Äl"], key=lambda title: order_key(title, "sv")) == ["Zon", "Ål", "Äl", "Öl"]
    assert sorted(["Öl", "Zon", "Ål"], key=lambda title: order_key(title, "en")) == ["Ål", "Öl", "Zon"]
