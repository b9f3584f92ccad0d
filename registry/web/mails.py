"""Writing mails from templates, in the recipient's language, and sending them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from jinja2 import Environment

from registry.mail import service
from registry.mail.message import Attachment
from registry.settings import load_settings
from registry.web import language
from registry.web.rendering import template_environment


@dataclass(frozen=True)
class Letter:
    """What a mail says."""

    subject: str
    text: str
    html: str


@lru_cache(maxsize=2)
def _templates(*, autoescape: bool) -> Environment:
    return template_environment(autoescape=autoescape)


def write(template: str, code: str, **context: object) -> Letter:
    """Write a mail in a language (`sv` or `en`) from `templates/mail/<template>.txt` and `.html`.

    The text template has the blocks `subject` and `body`, the HTML template `body`. `base_url` is there for
    addresses, which have to be whole in a mail.
    """
    before = language.current_language()
    language.use_language(code)
    try:
        whole = {**context, "locale": code, "base_url": load_settings().base_url.rstrip("/")}
        plain = _templates(autoescape=False).get_template(f"mail/{template}.txt")
        subject = "".join(plain.blocks["subject"](plain.new_context(whole)))
        subject = " ".join(subject.split())
        html = _templates(autoescape=True).get_template(f"mail/{template}.html")
        return Letter(subject, plain.render(whole), html.render(whole, subject=subject))
    finally:
        language.use_language(before)


async def send_mail(
    recipient: str,
    code: str,
    template: str,
    *,
    unsubscribe_url: str | None = None,
    attachments: Sequence[Attachment] = (),
    **context: object,
) -> UUID:
    """Write a mail as `write` does and have it sent once the running transaction commits; returns its id.

    Raises:
        RuntimeError: outside a transaction.
    """
    letter = write(template, code, **context)
    return await service.send(
        recipient=recipient,
        language=code,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        unsubscribe_url=unsubscribe_url,
        attachments=attachments,
    )
