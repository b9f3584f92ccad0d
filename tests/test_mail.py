"""Outgoing mail, against a real SMTP server: what it holds, refusals, retries, and where it can be read."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from registry import database
from registry.errors import NotFound
from registry.jobs.service import TryAgainLater
from registry.mail import queries, service
from registry.mail.queries import MailView
from registry.mail.states import MailState
from registry.settings import SettingsError, load_settings
from tests.conftest import Server, free_port
from tests.postbox import Postbox, part

_numbers = itertools.count(1)
HTML = "<!doctype html>\n<html>\n<head><title>x</title></head>\n<body><p>Hej åäö – <b>välkommen</b></p></body>\n</html>"


def address() -> str:
    return f"reader{next(_numbers)}@registry.test"


async def queued(recipient: str, *, subject: str = "Räksmörgås – ny träff", unsubscribe_url: str | None = None) -> UUID:
    """A mail whose job is not done by anybody but the test."""
    async with database.transaction():
        mail_id = await service.send(
            recipient=recipient,
            language="sv",
            subject=subject,
            text="Hej åäö – välkommen\n",
            html=HTML,
            unsubscribe_url=unsubscribe_url,
        )
        await database.fetch(
            "DELETE FROM pgqueuer WHERE entrypoint = 'send_mail' AND payload = $1",
            b'{"mail_id": "%s"}' % str(mail_id).encode(),
        )
    return mail_id


async def deliver(mail_id: UUID) -> MailView:
    """Do the job, and see what became of the mail."""
    await service.handle_send_mail({"mail_id": str(mail_id)})
    return await queries.get_mail(mail_id)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Settings that are read anew, for this test only."""
    load_settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    load_settings.cache_clear()


async def test_mail_arrives_in_both_parts_with_its_headers(postbox: Postbox) -> None:
    to = address()
    mail_id = await queued(to, unsubscribe_url="https://registry.test/stop/x")
    before = await queries.get_mail(mail_id)
    mail = await deliver(mail_id)
    (message,) = postbox.received(to)
    assert message.get_content_type() == "multipart/alternative"
    assert part(message, "plain").replace("\r\n", "\n") == "Hej åäö – välkommen\n"
    assert "<b>välkommen</b>" in part(message, "html")
    assert str(message["Subject"]) == "Räksmörgås – ny träff"
    assert str(message["From"]) == "Registret <registret@registry.test>"
    assert str(message["To"]) == to
    assert str(message["Message-ID"]) == f"<{mail_id}@registry.test>"
    assert message["Date"].datetime == before.created_at.replace(microsecond=0)
    assert str(message["Content-Language"]) == "sv"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    assert str(message["List-Unsubscribe"]) == "<https://registry.test/stop/x>"
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.SENT, 1, "")
    assert mail.sent_at is not None


async def test_mail_without_an_address_to_stop_it_has_no_such_header(postbox: Postbox) -> None:
    to = address()
    await deliver(await queued(to))
    assert "List-Unsubscribe" not in postbox.received(to)[0]


async def test_mail_whose_change_is_rolled_back_does_not_exist() -> None:
    to = address()
    with contextlib.suppress(LookupError):
        async with database.transaction():
            await service.send(recipient=to, language="sv", subject="x", text="x", html="x")
            raise LookupError
    assert await database.fetch("SELECT 1 FROM mail WHERE recipient = $1", to) == []
    with pytest.raises(RuntimeError):
        await service.send(recipient=to, language="sv", subject="x", text="x", html="x")


async def test_job_that_is_done_twice_or_by_two_workers_sends_once(postbox: Postbox) -> None:
    to = address()
    mail_id = await queued(to)
    await asyncio.gather(*(deliver(mail_id) for _ in range(4)))
    assert (await deliver(mail_id)).attempts == 1
    assert len(postbox.offered(to)) == 1


async def test_temporary_refusal_is_tried_again_as_the_same_message(postbox: Postbox) -> None:
    to = address()
    postbox.answers[to] = ["451 Come back later", "421 Too busy"]
    mail_id = await queued(to)
    pauses = []
    for _ in range(2):
        with pytest.raises(TryAgainLater) as later:
            await deliver(mail_id)
        pauses.append(later.value.pause)
    waiting = await queries.get_mail(mail_id)
    assert (waiting.state, waiting.attempts) == (MailState.QUEUED, 2)
    assert "Too busy" in waiting.last_error
    assert timedelta(0) < pauses[0] < pauses[1]
    mail = await deliver(mail_id)
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.SENT, 3, "")
    assert len({str(message["Message-ID"]) for message in postbox.offered(to)}) == 1
    assert len(postbox.received(to)) == 1


async def test_permanent_refusal_is_kept_with_the_servers_reason_and_not_tried_again(postbox: Postbox) -> None:
    to = address()
    postbox.answers[to] = ["550 No such mailbox here"]
    mail_id = await queued(to)
    for _ in range(2):
        mail = await deliver(mail_id)
        assert (mail.state, mail.attempts, mail.sent_at) == (MailState.FAILED, 1, None)
        assert mail.last_error == "550 No such mailbox here"
    assert len(postbox.offered(to)) == 1


async def test_worker_tries_again_by_itself(postbox: Postbox, server: Server) -> None:
    del server
    to = address()
    postbox.answers[to] = ["451 Come back later"]
    async with database.transaction():
        mail_id = await service.send(recipient=to, language="sv", subject="x", text="x", html="x")
    await asyncio.to_thread(postbox.wait_for, to)
    async with asyncio.timeout(5):
        while (mail := await queries.get_mail(mail_id)).state is not MailState.SENT:  # noqa: ASYNC110  # in a worker
            await asyncio.sleep(0.05)
    assert mail.attempts == 2


async def test_server_that_cannot_be_reached_is_tried_for_two_days(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("REGISTRY_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    mail_id = await queued(address())
    with pytest.raises(TryAgainLater):
        await deliver(mail_id)
    assert "cannot be reached" in (await queries.get_mail(mail_id)).last_error
    await database.fetch("UPDATE mail SET created_at = now() - interval '49 hours' WHERE id = $1", mail_id)
    mail = await deliver(mail_id)
    assert mail.state is MailState.FAILED
    assert mail.last_error.startswith("Given up after two days")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # on loopback
async def test_user_and_password_of_the_address_are_used(settings: pytest.MonkeyPatch) -> None:
    box = Postbox(free_port(), password="p@ss/word")
    box.start()
    try:
        settings.setenv("REGISTRY_SMTP_URL", f"smtp://someone:wrong@127.0.0.1:{box.port}")
        to = address()
        mail_id = await queued(to)
        # A wrong password is a fault of the settings; the mail waits until somebody mends it.
        with pytest.raises(TryAgainLater):
            await deliver(mail_id)
        assert "refused to sign us in: 535" in (await queries.get_mail(mail_id)).last_error
        load_settings.cache_clear()
        settings.setenv("REGISTRY_SMTP_URL", f"smtp://someone:p%40ss%2Fword@127.0.0.1:{box.port}")
        assert (await deliver(mail_id)).state is MailState.SENT
        assert len(box.received(to)) == 1
    finally:
        box.stop()


async def test_without_a_mail_server_nothing_is_sent_and_the_mail_stays(
    settings: pytest.MonkeyPatch, postbox: Postbox
) -> None:
    settings.delenv("REGISTRY_SMTP_URL")
    to = address()
    mail = await deliver(await queued(to))
    assert (mail.state, mail.attempts) == (MailState.QUEUED, 0)
    assert postbox.offered(to) == []


@pytest.mark.parametrize("to", ["a b@registry.test", "a@x.test, b@x.test", "a@x.test>\r\nBcc: b@x.test", "nobody", ""])
async def test_text_that_is_no_address_is_never_handed_to_the_server(to: str) -> None:
    mail = await deliver(await queued(to))
    assert mail.state is MailState.FAILED
    assert "address" in mail.last_error


async def test_subject_stays_on_one_line(postbox: Postbox) -> None:
    to = address()
    await deliver(await queued(to, subject="Hej\r\nBcc: other@registry.test"))
    (message,) = postbox.received(to)
    assert str(message["Subject"]) == "Hej Bcc: other@registry.test"
    assert "Bcc" not in message


async def test_mails_are_removed_after_90_days() -> None:
    now = datetime.now(UTC)
    old, young = await queued(address()), await queued(address())
    for mail_id, days in ((old, 91), (young, 89)):
        await database.fetch("UPDATE mail SET created_at = $2 WHERE id = $1", mail_id, now - timedelta(days=days))
    await service.remove_old_mails(now)
    assert (await queries.get_mail(young)).id == young
    with pytest.raises(NotFound):
        await queries.get_mail(old)


async def test_demo_shows_mails_newest_first_and_their_html_without_any_rights(visitor: httpx.AsyncClient) -> None:
    subjects = [f"Nummer {number} <script>" for number in range(2)]
    first, second = [await queued(address(), subject=subject) for subject in subjects]
    answer = await visitor.get("/demo/mails")
    assert answer.status_code == 200
    assert answer.text.index(f"/demo/mails/{second}") < answer.text.index(f"/demo/mails/{first}")
    single = await visitor.get(f"/demo/mails/{first}")
    assert "Nummer 0 &lt;script&gt;" in single.text
    assert "Hej åäö – välkommen" in single.text
    assert "frame-src 'self'" in single.headers["content-security-policy"]
    html = await visitor.get(f"/demo/mails/{first}/html")
    policy = html.headers["content-security-policy"]
    assert "<b>välkommen</b>" in html.text
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize("path", ["/demo/mails", "/demo/mails/{}", "/demo/mails/{}/html"])
async def test_mails_can_be_read_in_the_demo_only(
    visitor: httpx.AsyncClient, settings: pytest.MonkeyPatch, path: str
) -> None:
    mail_id = await queued(address())
    assert (await visitor.get(path.format(mail_id))).status_code == 200
    load_settings.cache_clear()
    settings.setenv("REGISTRY_DEMO", "false")
    assert (await visitor.get(path.format(mail_id))).status_code == 404


async def test_unknown_mail_is_not_found(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get(f"/demo/mails/{uuid4()}")).status_code == 404
    assert (await visitor.get("/demo/mails/x")).status_code == 404


@pytest.mark.parametrize(
    "url", ["example.org", "http://u:secret@example.org", "smtp://:secret@", "smtp://u:secret@host:port"]
)
def test_wrong_mail_server_is_told_without_its_password(settings: pytest.MonkeyPatch, url: str) -> None:
    settings.setenv("REGISTRY_SMTP_URL", url)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "REGISTRY_SMTP_URL is wrong" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_blank_mail_server_means_that_nothing_is_sent(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("REGISTRY_SMTP_URL", "")
    settings.setenv("REGISTRY_MAIL_FROM", "")
    assert load_settings().smtp_server is None


@pytest.mark.parametrize("sender", ["", "Registret"])
def test_mail_server_needs_an_address_to_send_from(settings: pytest.MonkeyPatch, sender: str) -> None:
    settings.setenv("REGISTRY_MAIL_FROM", sender)
    with pytest.raises(SettingsError, match="REGISTRY_MAIL_FROM"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "port", "use_tls", "start_tls"),
    [
        ("smtp://mail.test", 587, False, False),
        ("smtp://mail.test:25?starttls=1", 25, False, True),
        ("smtps://mail.test", 465, True, False),
        ("smtps://mail.test:8465?starttls=1", 8465, True, False),
    ],
)
def test_address_of_the_mail_server_says_how_it_is_encrypted(
    settings: pytest.MonkeyPatch, url: str, port: int, *, use_tls: bool, start_tls: bool
) -> None:
    settings.setenv("REGISTRY_SMTP_URL", url)
    server = load_settings().smtp_server
    assert server is not None
    assert (server.host, server.port, server.use_tls, server.start_tls) == ("mail.test", port, use_tls, start_tls)
