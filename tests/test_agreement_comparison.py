"""Comparing agreements: which clauses belong together, which words changed, what a deviation weighs, and how fast."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from registry import database
from registry.access import Role
from registry.agreements import queries, service, versions
from registry.agreements.clauses import ChangeKind, changes, clauses, pair_clauses
from registry.agreements.codes import TERM_FIELDS, Severity
from registry.agreements.severities import set_severities, severities
from registry.errors import NotFound, NotPermitted
from tests import factories, factories_agreements
from tests.clients import api, browser, send
from tests.factories_agreements import terms

_TEXT = st.text(alphabet="ab cå\n#", max_size=60)


def test_a_new_clause_renumbers_the_others_and_changes_none() -> None:
    old = "# Avtal\n\n## 1. Parter\n\nVi.\n\n## 2. Tid\n\nEtt år.\n\n## 3. Lag\n\nSvensk."
    new = "# Avtal\n\n## 1. Parter\n\nVi.\n\n## 2. Pris\n\nInget.\n\n## 3. Tid\n\nEtt år.\n\n## 4. Lag\n\nSvensk lag."
    pairs = pair_clauses(old, new)
    found = [(one.a and one.a.heading, one.b and one.b.heading, one.is_renumbered) for one in pairs if one.differs]
    assert found == [("3. Lag", "4. Lag", False), (None, "2. Pris", False), ("2. Tid", "3. Tid", True)]


def test_a_new_title_is_no_new_clause_and_equal_titles_are_paired_once() -> None:
    renamed = pair_clauses("## 1. Tid\n\nEtt år.", "## 1. Giltighetstid\n\nEtt år.")
    assert [(one.a is None, one.b is None) for one in renamed] == [(False, False)]
    twice = pair_clauses("## Bilaga\n\nEtt.\n\n## Bilaga\n\nTvå.", "## Bilaga\n\nEtt.\n\n## Bilaga\n\nTre.")
    assert [(one.differs, one.a and one.a.text, one.b and one.b.text) for one in twice] == [
        (True, "Två.", "Tre."),
        (False, "Ett.", "Ett."),
    ]


def test_changed_words_are_told_one_by_one() -> None:
    found = changes("Värden äger alla resultat av provet.", "Företaget äger alla resultat.")
    assert [(one.kind, one.text) for one in found] == [
        (ChangeKind.REMOVED, "Värden "),
        (ChangeKind.ADDED, "Företaget "),
        (ChangeKind.SAME, "äger alla "),
        (ChangeKind.REMOVED, "resultat av provet."),
        (ChangeKind.ADDED, "resultat."),
    ]


@given(_TEXT, _TEXT)
def test_changes_hold_every_word_of_both_texts(a: str, b: str) -> None:
    found = changes(a, b)
    sides = {kind: "".join(one.text for one in found if one.kind in {ChangeKind.SAME, kind}) for kind in ChangeKind}
    assert sides[ChangeKind.REMOVED].split() == a.split()
    assert sides[ChangeKind.ADDED].split() == b.split()


@given(_TEXT, _TEXT)
def test_pairs_hold_every_clause_of_both_texts_once(a: str, b: str) -> None:
    pairs = pair_clauses(a, b)
    key = str
    assert sorted((one.a for one in pairs if one.a), key=key) == sorted(clauses(a), key=key)
    assert sorted((one.b for one in pairs if one.b), key=key) == sorted(clauses(b), key=key)


async def test_versions_are_compared_by_clause_and_word(application: Litestar) -> None:
    case = await factories_agreements.case()
    draft = await case.draft(text_sv="# Avtal\n\n## 1. Tid\n\nEtt <b>år</b>.")
    await service.add_version(case.member, draft, text_sv="# Avtal\n\n## 1. Tid\n\nTvå år.", terms=terms(march_in="no"))
    found = await versions.compare_versions(case.member, draft, 1, 2)
    assert (found.clauses_sv[0].a, found.clauses_sv[0].b) != (None, None)
    assert {pair.field for pair in found.terms if pair.differs} >= {"march_in", "results_ownership"}
    firm = await browser(application, case.member)
    page = await firm.get(f"/agreements/{draft}/versions/1/compare/2", params={"lang": "sv"})
    assert page.status_code == 200
    assert '<del><span class="visually-hidden">[borttaget: </span>Ett &lt;b&gt;år' in page.text
    assert '<ins><span class="visually-hidden">[tillagt: </span>Två år.' in page.text
    assert (await firm.get(f"/agreements/{draft}/versions/1/compare/3")).status_code == 404
    assert f"/agreements/{draft}/versions/1/compare/2" in (await firm.get(f"/agreements/{draft}")).text


async def test_deviations_weigh_what_legal_decides(application: Litestar) -> None:
    case = await factories_agreements.case()
    draft = await case.draft(terms=terms(results_ownership="joint", publication="not_allowed", march_in="yes"))
    before = await severities()
    assert set(before) == set(TERM_FIELDS)
    assert (before["results_ownership"], before["march_in"]) == (Severity.HIGH, Severity.MEDIUM)
    legal = await browser(application, case.legal)
    shown = await legal.get("/desk/agreements/severities", params={"lang": "en"})
    assert "Serious deviation" in shown.text
    sent = await send(legal, "/desk/agreements/severities", {"march_in": "high", "results_ownership": "low"})
    assert sent.status_code == 303, sent.text
    try:
        found = await queries.compare_with_template(case.member, draft)
        assert [pair.field for pair in found.terms if pair.differs] == ["march_in", "publication", "results_ownership"]
        event = await database.fetch_one(
            "SELECT data FROM audit_event WHERE type = 'term_severity.changed' ORDER BY id DESC"
        )
        assert event is not None
        assert '"march_in": "high"' in event["data"]
    finally:
        await set_severities(case.legal, before)
    assert (await send(legal, "/desk/agreements/severities", {"march_in": "huge"})).status_code == 422


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LEGAL])
async def test_only_legal_decides_what_deviations_weigh(role: Role) -> None:
    person = await factories.person(role, organisation_id=await factories.organisation())
    with pytest.raises(NotPermitted):
        await set_severities(person, {"march_in": Severity.LOW})


async def test_an_agreement_is_compared_with_any_template(application: Litestar) -> None:
    case = await factories_agreements.case()
    other = await factories_agreements.template(text_sv="# Annat\n\n## 1. Parter\n\nMellan {parties}.")
    draft = await case.draft()
    firm = await browser(application, case.member)
    page = await firm.get(f"/agreements/{draft}/compare/template/{other}")
    assert page.status_code == 200
    assert "{parties}" not in page.text
    assert (await firm.get(f"/agreements/{draft}/compare/template/none-such")).status_code == 404
    with pytest.raises(NotFound):
        await queries.compare_with_template((await factories_agreements.case()).member, draft, other)


def long_text(seed: int) -> str:
    """200 clauses of 150 words each; with another seed every fifteenth word is another."""
    words = ["avtalet", "part", "värden", "resultat", "provet", "ska", "får", "inte", "enligt", "lag", "data", "rätt"]
    fixed, own = random.Random(1), random.Random(seed)  # noqa: S311  # test data
    return "\n\n".join(
        f"## {number}. Rubrik {number}\n\n"
        + " ".join(fixed.choice(words) if own.random() > 1 / 15 else f"ord{own.randrange(99)}" for _ in range(150))
        for number in range(1, 201)
    )


async def test_two_agreements_of_200_clauses_are_compared_within_300_ms(application: Litestar) -> None:
    case = await factories_agreements.case()
    one, two = [await case.draft(text_sv=long_text(seed), text_en="") for seed in (2, 3)]
    firm = await browser(application, case.member)
    client = await api(application, case.member)
    for ask in (
        lambda: firm.get(f"/agreements/{one}/compare/{two}"),
        lambda: client.get(f"/api/v1/agreements/{one}/compare/{two}"),
    ):
        taken = []
        for _ in range(4):
            began = time.perf_counter()
            answer = await ask()
            taken.append(time.perf_counter() - began)
            assert answer.status_code == 200
        # The best of four: the machine may do other things meanwhile.
        assert min(taken) < 0.3, taken


async def test_api_makes_versions_and_compares_them(application: Litestar) -> None:
    case = await factories_agreements.case()
    client = await api(application, case.member)
    given = {
        "template": case.template,
        "entries": [case.slug],
        "terms": {
            "confidentiality_months": {"value": 36, "clause": "7"},
            "march_in": {"status": "not_regulated"},
            "open_source_licence": {"value": "EUPL-1.2"},
        },
    }
    made = (await client.post("/api/v1/agreements", json=given)).json()
    assert made["terms"]["confidentiality_months"] == {
        "status": "value",
        "value": 36,
        "clause": "7",
        "note": {"sv": "", "en": ""},
    }
    assert (made["terms"]["march_in"]["status"], made["terms"]["results_ownership"]["value"]) == (
        "not_regulated",
        "supplier",
    )
    path = f"/api/v1/agreements/{made['id']}"
    change = {"text_sv": made["text"]["sv"] + "\n\n## 3. Lag\n\nSvensk lag.", "terms": {"march_in": {"value": "yes"}}}
    changed = await client.post(f"{path}/versions", json=change)
    assert changed.status_code == 201, changed.text
    assert [one["number"] for one in changed.json()["versions"]] == [2, 1]
    assert changed.json()["terms"]["confidentiality_months"]["value"] == 36
    found = (await client.get(f"{path}/versions/1/compare/2")).json()
    assert [one["field"] for one in found["terms"] if one["differs"]] == ["march_in"]
    assert [one for one in found["clauses_sv"] if one["differs"]] == [
        {
            "heading": "3. Lag",
            "differs": True,
            "a": None,
            "b": "Svensk lag.",
            "changes": [{"kind": "added", "text": "Svensk lag."}],
        }
    ]
    own = (await client.get(f"{path}/compare/template")).json()
    assert {one["field"]: one["severity"] for one in own["terms"] if one["differs"]} == {
        "confidentiality_months": "high",
        "march_in": "medium",
        "open_source_licence": "medium",
    }
    for wrong in ({"march_in": {"value": "perhaps"}}, {"march_in": {"value": 3}}, {"nonsense": {"value": "x"}}):
        refused = await client.post(f"{path}/versions", json={"terms": wrong})
        assert refused.status_code == 422, refused.text
    assert (await client.get(path)).json()["versions"][0]["number"] == 2
