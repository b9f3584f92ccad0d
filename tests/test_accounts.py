"""Signing in, sessions, tokens, roles, and the headers that every answer carries."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from registry import database
from registry.access import ROLE_PERMISSIONS, SYSTEM, VISITOR, Actor, Grant, Permission, Role, Rule
from registry.accounts import queries, rules, service
from registry.accounts.codes import OrganisationKind
from registry.accounts.rules import FAILURES_BEFORE_LOCKOUT
from registry.accounts.service import WrongPassword
from registry.errors import InvalidInput, Message, NotFound, TooManyAttempts
from tests import factories

PASSWORD = "a long enough password"


async def account() -> str:
    organisation = await factories.organisation()
    email = f"person-of-{organisation}@accounts.test"
    await service.create_person(
        SYSTEM, email=email, name="Person", roles=[(Role.FIRM, organisation)], password=PASSWORD
    )
    return email


async def csrf(client: httpx.AsyncClient) -> str:
    page = await client.get("/sign-in")
    found = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_password_is_stored_as_argon2id() -> None:
    email = await account()
    row = await database.fetch_one("SELECT password_hash FROM person WHERE email = $1", email)
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")


async def test_right_password_opens_a_session_and_tokens_are_stored_hashed() -> None:
    email = await account()
    token = await service.sign_in(f"  {email.upper()} ", PASSWORD, hours=1)
    actor = await queries.actor_of_session(token)
    assert actor.email == email
    assert actor.roles == {Role.FIRM}
    rows = await database.fetch("SELECT token_hash FROM session UNION ALL SELECT token_hash FROM api_token")
    assert token not in [row["token_hash"] for row in rows]


async def test_wrong_password_and_unknown_address_answer_alike() -> None:
    email = await account()
    answers = []
    for address in (email, "nobody@accounts.test"):
        with pytest.raises(WrongPassword) as refused:
            await service.sign_in(address, "wrong password here", hours=1)
        answers.append(refused.value.detail)
    assert answers[0] == answers[1]


async def test_too_many_failures_lock_the_address_even_for_the_right_password() -> None:
    email = await account()
    for _ in range(FAILURES_BEFORE_LOCKOUT):
        with pytest.raises(WrongPassword):
            await service.sign_in(email, "wrong password here", hours=1)
    with pytest.raises(TooManyAttempts):
        await service.sign_in(email, PASSWORD, hours=1)
    await database.fetch("UPDATE sign_in_attempt SET at = now() - interval '1 day' WHERE email = $1", email)
    assert await service.sign_in(email, PASSWORD, hours=1)


async def test_many_attempts_at_once_are_not_all_tried() -> None:
    email = await account()
    outcomes = await asyncio.gather(
        *(service.sign_in(email, "wrong password here", hours=1) for _ in range(40)), return_exceptions=True
    )
    assert sum(isinstance(outcome, WrongPassword) for outcome in outcomes) <= FAILURES_BEFORE_LOCKOUT
    assert all(isinstance(outcome, (WrongPassword, TooManyAttempts)) for outcome in outcomes)


async def test_session_ends_by_time_by_signing_out_and_with_the_account() -> None:
    email = await account()
    person = await queries.actor_of_email(email)
    assert person is not None
    late, out, inactive = [await service.sign_in(email, PASSWORD, hours=1) for _ in range(3)]
    await database.fetch(
        "UPDATE session SET expires_at = $2 WHERE token_hash = $1",
        queries.hash_token(late),
        datetime.now(UTC) - timedelta(seconds=1),
    )
    await service.sign_out(person, out)
    assert await queries.actor_of_session(late) == VISITOR
    assert await queries.actor_of_session(out) == VISITOR
    async with database.transaction():
        await database.fetch("INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 'person', '')")
        await database.fetch("UPDATE person SET active = false WHERE email = $1", email)
    assert await queries.actor_of_session(inactive) == VISITOR


async def test_weak_password_taken_address_and_odd_address_are_refused() -> None:
    email = await account()
    for changes in ({"password": "short"}, {"email": email}, {"email": "no-at-sign"}):
        values = {"email": "fresh@accounts.test", "password": PASSWORD, **changes}
        with pytest.raises(InvalidInput):
            await service.create_person(SYSTEM, name="x", roles=[], **values)
    assert await queries.actor_of_email("fresh@accounts.test") is None


async def test_address_is_unique_in_the_database_too() -> None:
    email = await account()
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.fetch("INSERT INTO person (email, name) VALUES ($1, 'x')", email)
    with pytest.raises(asyncpg.CheckViolationError):
        await database.fetch("INSERT INTO person (email, name) VALUES ('Upper@Case.test', 'x')")


async def test_revoked_token_no_longer_works() -> None:
    email = await account()
    token = await service.create_token(SYSTEM, email)
    assert await queries.actor_of_token(token)
    async with database.transaction():
        await database.fetch("INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 'person', '')")
        await database.fetch("UPDATE api_token SET revoked_at = now() WHERE token_hash = $1", queries.hash_token(token))
    assert await queries.actor_of_token(token) is None
    with pytest.raises(NotFound):
        await service.create_token(SYSTEM, "nobody@accounts.test")


async def test_signing_in_in_the_browser_sets_a_safe_cookie_and_goes_on(visitor: httpx.AsyncClient) -> None:
    email = await account()
    form = {"email": email, "password": PASSWORD, "next": "/bookings", "_csrf_token": await csrf(visitor)}
    answer = await visitor.post("/sign-in", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/bookings")
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("session="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert (await visitor.get("/bookings")).status_code == 200


@pytest.mark.parametrize("target", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""])
async def test_signing_in_never_leads_to_another_site(visitor: httpx.AsyncClient, target: str) -> None:
    email = await account()
    form = {"email": email, "password": PASSWORD, "next": target, "_csrf_token": await csrf(visitor)}
    answer = await visitor.post("/sign-in", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].split("?")[0] == "/"


@pytest.mark.parametrize(
    "path",
    ["/sign-in?next=%3Cb%3E", "/static/%00", "/static/" + "a" * 300, "/sign-in?next=" + "x" * 5000, "/bookings/%00"],
)
async def test_odd_addresses_are_no_fault_of_ours(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code in {200, 404}
    assert "immutable" not in answer.headers.get("cache-control", "")


async def test_form_without_its_token_is_refused(visitor: httpx.AsyncClient) -> None:
    email = await account()
    answer = await visitor.post("/sign-in", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "session=" not in str(answer.headers)
    await visitor.get("/sign-in")
    other = await visitor.post("/sign-in", data={"email": email, "password": PASSWORD, "_csrf_token": "x" * 128})
    assert other.status_code == 403


async def test_api_ignores_cookies_and_pages_ignore_tokens(visitor: httpx.AsyncClient) -> None:
    email = await account()
    visitor.cookies.set("session", await service.sign_in(email, PASSWORD, hours=1))
    assert (await visitor.get("/api/v1/bookings")).status_code == 401
    assert (await visitor.get("/bookings")).status_code == 200
    visitor.cookies.clear()
    token = await service.create_token(SYSTEM, email)
    answer = await visitor.get("/bookings", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/entries", "/no-such-page", "/static/css/base.css"])
async def test_every_answer_carries_the_security_headers(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_auditor_has_no_permission_that_changes_anything() -> None:
    assert all("read" in permission.value for permission in ROLE_PERMISSIONS[Role.AUDITOR])


def test_limited_role_counts_where_its_organisation_is_responsible_only() -> None:
    host = Actor(person_id=1, grants=frozenset({Grant(Role.HOST, 7)}))
    assert host.may(Permission.BOOKING_DECIDE, [7, 8])
    assert not host.may(Permission.BOOKING_DECIDE, [8])
    assert host.may(Permission.BOOKING_DECIDE)
    assert not host.has_unlimited(Permission.BOOKING_DECIDE)


def test_rules_compose_and_keep_the_first_reason() -> None:
    yes: Rule[int] = Rule(lambda _actor, _subject: None)
    no: Rule[int] = Rule(lambda _actor, _subject: Message("no"))
    never: Rule[int] = Rule(lambda _actor, _subject: Message("never"))
    assert (yes & no)(VISITOR, 1) == Message("no")
    assert (no & never)(VISITOR, 1) == Message("no")
    assert (no | yes)(VISITOR, 1) is None
    assert (no | never)(VISITOR, 1) == Message("no")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("232100-0016", "232100-0016"),
        ("2321000016", "232100-0016"),
        (" 232100 0016 ", "232100-0016"),
        ("DE136695976", "DE136695976"),
        ("232100-0017", None),
        ("12", None),
        ("SE", None),
    ],
)
async def test_organisation_number_is_checked_and_written_in_one_way(given: str, written: str | None) -> None:
    assert rules.written_number(given) == written
    if written is None:
        with pytest.raises(InvalidInput) as caught:
            await service.create_organisation(SYSTEM, kind=OrganisationKind.FIRM, name_sv="Fel", org_number=given)
        assert [fault.field for fault in caught.value.errors] == ["org_number"]
