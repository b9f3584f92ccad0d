"""Rendering pages: the template engine and what every page can use."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template.config import TemplateConfig
from markupsafe import Markup

from registry import PROJECT_ROOT
from registry.access import VISITOR, Actor, Permission
from registry.errors import N_
from registry.settings import load_settings
from registry.web import booking_status, language
from registry.web.labels import label
from registry.web.notices import NOTICES


@dataclass(frozen=True)
class Notice:
    """A line above the page that tells what has just happened."""

    tone: str
    text: str


DESKS: tuple[tuple[Permission, str, str], ...] = (
    (Permission.BOOKING_DECIDE, "/desk/bookings", N_("Bookings desk")),
    (Permission.AGREEMENT_REVIEW, "/desk/agreements", N_("Legal desk")),
    (Permission.IP_ASSESS, "/desk/ip-assessments", N_("IP assessments")),
    (Permission.PROCUREMENT_READ_ALL, "/desk/procurement", N_("Procurement desk")),
    (Permission.ENTRY_EDIT, "/desk/entries", N_("Entries desk")),
    (Permission.SEARCH_STATISTICS_READ, "/desk/search", N_("Search statistics")),
    (Permission.VOCABULARY_READ, "/desk/vocabulary", N_("Vocabulary")),
    (Permission.AUDIT_READ, "/desk/log", N_("Log")),
)


@dataclass(frozen=True)
class Reader:
    """The actor as templates see it."""

    actor: Actor

    @property
    def is_signed_in(self) -> bool:
        return self.actor.is_signed_in

    @property
    def name(self) -> str:
        return self.actor.name

    @property
    def desks(self) -> list[tuple[str, str]]:
        return [(href, language.gettext(text)) for permission, href, text in DESKS if self.actor.may(permission)]

    def may(self, permission: str) -> bool:
        """Whether the reader has a permission, by its code; for showing a link, never for deciding."""
        return self.actor.may(Permission(permission))


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """The configuration of the template engine."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(template_environment()))


def template_environment(*, autoescape: bool = True) -> Environment:
    """What all templates can use; only plain text goes without escaping."""
    environment = Environment(
        loader=FileSystemLoader(PROJECT_ROOT / "templates"),
        autoescape=autoescape,  # noqa: S701  # the one other caller writes plain text
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        language.gettext, language.ngettext, newstyle=True
    )
    environment.filters.update(
        date=language.show_date,
        datetime=language.show_datetime,
        long_date=language.show_long_date,
        time=language.show_time,
        duration=language.show_duration,
        label=_label,
        say=language.say,
        paragraphs=_paragraphs,
    )
    environment.globals.update(
        interval=language.show_interval,
        whole_days=language.show_days,
        day_and_month=language.show_day_and_month,
        both=language.show_both,
        money=language.show_money,
        number=language.show_number,
        percent=language.show_percent,
        in_language=language.in_language,
        pick=language.pick,
        static_url=static_url,
        booking_tone=booking_status.tone,
    )
    return environment


@pass_context
def _label(context: Context, code: str, group: str) -> str:
    """The label of a code; taking the context keeps Jinja from working it out once, in whichever language."""
    del context
    return label(code, group)


def _paragraphs(text: str) -> Markup:
    """Plain text with blank lines as HTML paragraphs; everything in it is escaped."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(Markup("<br>").join(part.splitlines())) for part in parts)


@lru_cache(maxsize=200)
def static_url(path: str) -> str:
    """The address of a file under static/, with a version that changes with its content."""
    content = (PROJECT_ROOT / "static" / path).read_bytes()
    return f"/static/{path}?v={sha256(content).hexdigest()[:8]}"


class Page(Template):
    """A page of ours. Litestar escapes the CSRF token itself and hands over its field as text; it is HTML."""

    def create_template_context(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        context = super().create_template_context(request)
        return {**context, "csrf_input": Markup(context["csrf_input"])}  # noqa: S704  # see above


def page(request: Request[Any, Any, Any], template: str, *, status: int = 200, **context: object) -> Template:
    """A page in the reader's language. `breadcrumbs` may be a list of (address or None, label)."""
    actor = request.scope.get("user") or VISITOR
    code = request.query_params.get("notice", "")
    notices = [Notice(tone, language.gettext(text)) for tone, text in [NOTICES[code]]] if code in NOTICES else []
    return Page(
        template,
        status_code=status,
        context={
            "locale": language.current_language(),
            "actor": Reader(actor),
            "lang_url": lambda code: language.language_url(request, code),
            "path": request.url.path,
            "notices": notices,
            "demo": load_settings().demo,
            "errors": [],
            "page_url": lambda number: language.page_url(request, number),
            **context,
        },
    )


def go_to(path: str, notice: str | None = None) -> Redirect:
    """Send the browser to another page (303, so that it does not send the form again), with a notice there."""
    if notice is None:
        return Redirect(path, status_code=303)
    address, hash_mark, fragment = path.partition("#")
    joined = "&" if "?" in address else "?"
    return Redirect(f"{address}{joined}notice={notice}{hash_mark}{fragment}", status_code=303)
