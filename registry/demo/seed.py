"""Fills an empty database with the demo's data, with the product's own commands, in one transaction."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts import queries as account_queries
from registry.accounts import service as accounts
from registry.accounts.authorities import give_authority
from registry.accounts.codes import FirmSize, OrganisationKind
from registry.agreements import service as agreements
from registry.agreements.codes import AgreementType, TermStatus, TermValue
from registry.demo import documents
from registry.demo.accounts import DEMO_PASSWORD
from registry.demo.bookings import seed_bookings, seed_replies, seed_series
from registry.demo.calendars import opening_from, seed_calendars
from registry.demo.files import DATA, day, entry_text, load, publish
from registry.demo.partnerships import seed_partnerships, tie_agreements
from registry.entries import service as entries
from registry.entries.codes import Audience, Remuneration
from registry.entries.service import EnvironmentText

Progress = Callable[[str], None]


async def seed_once(progress: Progress) -> bool:
    """Fill the database unless it holds organisations already; all or nothing. Tells whether it did."""
    known = await database.fetch_one("SELECT EXISTS (SELECT FROM organisation) AS seeded")
    if known is None or known["seeded"]:
        return False
    async with database.transaction():
        await _seed(progress)
    return True


async def _seed(progress: Progress) -> None:
    progress("Organisations and accounts")
    organisations = await _organisations()
    people = await _people(organisations)
    progress("Agreement templates")
    await _templates()
    progress("Environments")
    slugs = await _environments(organisations)
    progress("Procurements and partnerships")
    partnerships = load("partnerships")
    tied = await seed_partnerships(partnerships, organisations, slugs, people)
    progress("Agreements and bookings")
    contracts = await _agreements(organisations, slugs, people)
    await tie_agreements(tied, contracts, people)
    await seed_bookings(load("bookings"), organisations, slugs, people)
    await seed_replies(load("replies"), slugs)
    await seed_calendars(load("calendars"), slugs)
    await seed_series("openlab", people["firm"])


async def _organisations() -> dict[str, int]:
    ids: dict[str, int] = {}
    for one in load("organisations"):
        ids[one["name_sv"]] = await accounts.create_organisation(
            SYSTEM,
            kind=OrganisationKind(one["kind"]),
            name_sv=one["name_sv"],
            name_en=one["name_en"],
            org_number=one["org_number"],
            parent_id=ids[one["parent"]] if one["parent"] else None,
            size=FirmSize(one["size"]) if one["size"] else None,
        )
    return ids


async def _people(organisations: Mapping[str, int]) -> dict[str, Actor]:
    """The demo accounts, named after their roles."""
    alfa, beta = organisations["Exempelföretaget Alfa AB"], organisations["Exempelföretaget Beta AB"]
    committee = organisations["Hälso- och sjukvårdsnämnden"]
    board = organisations["Regionstyrelsen"]
    accounts_of_roles = {
        "firm": ("Företaget Alfa", Role.FIRM, alfa, alfa),
        "firm2": ("Företaget Beta", Role.FIRM, beta, beta),
        "employee": ("Anställd", Role.EMPLOYEE, committee, committee),
        "host": ("Värd", Role.HOST, None, board),
        "procurement": ("Upphandlare", Role.PROCUREMENT, None, board),
        "legal": ("Jurist", Role.LEGAL, None, board),
        "coordinator": ("Samordnare", Role.COORDINATOR, None, board),
        "auditor": ("Revisor", Role.AUDITOR, None, board),
    }
    people: dict[str, Actor] = {}
    for name, (title, role, limit, employer) in accounts_of_roles.items():
        email = f"{name}@demo.test"
        await accounts.create_person(
            SYSTEM,
            email=email,
            name=title,
            roles=[(role, limit)],
            password=DEMO_PASSWORD,
            organisation_id=employer,
        )
        actor = await account_queries.actor_of_email(email)
        if actor is None:
            raise LookupError(email)
        people[name] = actor
        await _let_sign(actor, role, limit)
    return people


async def _let_sign(actor: Actor, role: Role, limit: int | None) -> None:
    """Whoever acts for an organisation may sign for it in the demo, and legal for every public party."""
    acts_for_one = role in {Role.FIRM, Role.EMPLOYEE, Role.PROCUREMENT} and limit is not None
    if actor.person_id is not None and (acts_for_one or role is Role.LEGAL):
        ground = "Exempel: firmatecknare eller delegationsordning"
        await give_authority(SYSTEM, actor.person_id, limit, ground=ground, valid_from=date(2020, 1, 1))


async def _templates() -> None:
    for path in sorted((DATA / "templates").glob("*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        await agreements.create_template(
            SYSTEM,
            code=one["code"],
            type=AgreementType(one["type"]),
            audience=[Audience(code) for code in one["audience"]],
            title_sv=one["title_sv"],
            title_en=one["title_en"],
            months_valid=one["months_valid"],
            text_sv=path.with_suffix(".sv.md").read_text(encoding="utf-8"),
            text_en=path.with_suffix(".en.md").read_text(encoding="utf-8"),
            terms={name: _term(name, term) for name, term in one["terms"].items()},
        )


def _term(name: str, term: Mapping[str, Any]) -> TermValue:
    return TermValue(
        field=name,
        status=TermStatus(term["status"]),
        code=term.get("code"),
        number=term.get("number"),
        text=term.get("text"),
        clause=term["clause"],
        note_sv=term["note_sv"],
        note_en=term["note_en"],
    )


async def _environments(organisations: Mapping[str, int]) -> dict[str, int]:
    facts = {one["name"]: one for one in load("testbeds")}
    ids: dict[str, int] = {}
    for one in load("environments"):
        merged = {**facts.get(one["name"], {}), **one}
        ids[one["slug"]] = await entries.create_entry(
            SYSTEM,
            entry_text(merged, organisations),
            _environment_text(merged, ids),
            slug=one["slug"],
        )
        for offer in one["offers"]:
            await agreements.offer_terms(SYSTEM, ids[one["slug"]], offer["template"], required=offer["required"])
        await publish(ids[one["slug"]])
    return ids


def _environment_text(one: Mapping[str, Any], ids: Mapping[str, int]) -> EnvironmentText:
    plain = {f.name for f in fields(EnvironmentText)} & one.keys()
    values: dict[str, Any] = {name: one[name] for name in plain}
    values["parent"] = ids[one["parent"]] if one["parent"] else None
    values["bookable_by"] = tuple(Audience(code) for code in one["bookable_by"])
    values["opening_hours"] = tuple(opening_from(hours) for hours in one["opening_hours"])
    if "remuneration" in values:
        values["remuneration"] = Remuneration(values["remuneration"])
    return EnvironmentText(**values)


async def _agreements(
    organisations: Mapping[str, int], slugs: dict[str, int], people: Mapping[str, Actor]
) -> dict[str, Any]:
    """The example agreements by key, each taken to its state by the commands, on the days that the data names."""
    authors = {organisations["Exempelföretaget Alfa AB"]: "firm", organisations["Exempelföretaget Beta AB"]: "firm2"}
    found: dict[str, Any] = {}
    for one in load("agreements"):
        organisation_id = organisations[one["organisation"]]
        # A firm asks for its agreement; a committee's and a partnership's are drawn up by the procurement officer.
        firm = authors.get(organisation_id)
        author = people[firm if firm and one["template"] != "partnership_contract" else "procurement"]
        first = day(one["valid_from_days"])
        then = datetime.combine(first, time(12), tzinfo=UTC)
        agreement_id = await agreements.create_agreement(
            author,
            template_code=one["template"],
            organisation_id=organisation_id,
            entry_ids=[slugs[slug] for slug in one["entries"]],
            dnr=one["dnr"],
            valid_from=first,
            valid_until=day(one["valid_until_days"]),
            now=then,
        )
        found[one["key"]] = agreement_id
        if "document" in one:
            await _document(author, agreement_id, one["document"])
        await agreements.submit(author, agreement_id, now=then)
        if one["state"] == "in_review":
            continue
        await agreements.approve(people["legal"], agreement_id, now=then)
        if one["state"] == "approved":
            continue
        if firm:
            await agreements.sign(people[firm], agreement_id, organisation_id=organisation_id, now=then)
        await agreements.sign(people["legal"], agreement_id, now=then)
    await agreements.follow_dates(datetime.now(UTC))
    return found


async def _document(author: Actor, agreement_id: UUID, one: Mapping[str, Any]) -> None:
    """An example document, as its name asks for; the worker reads its text afterwards."""
    if one["filename"].endswith(".pdf"):
        content = documents.pdf(one["title"], one["paragraphs"])
    else:
        content = documents.docx(one["title"], one["paragraphs"], one["table"])
    await agreements.add_document(author, agreement_id, one["filename"], content, "")
