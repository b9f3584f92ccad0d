"""Settings of the program; nothing else reads the environment."""

from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry import LOOPBACK_HOSTS

SHORTEST_SECRET = 32
_SMTP_PORTS = {"smtp": 587, "smtps": 465}


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says what to do."""


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. `use_tls` is TLS from the first byte, `start_tls` after the greeting."""

    host: str
    port: int
    user: str | None
    password: str | None
    use_tls: bool
    start_tls: bool


class Settings(BaseSettings):
    """All settings, read from `REGISTRY_*` variables.

    `demo` turns on the demo accounts and their sign-in buttons. It is refused on any address
    that is not loopback, because the demo passwords are known to everybody.
    """

    model_config = SettingsConfigDict(env_prefix="REGISTRY_", extra="ignore")

    database_url: Annotated[str, Field(min_length=1)]
    secret_key: SecretStr
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    base_url: str = "http://127.0.0.1:8000"
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    database_connections: Annotated[int, Field(ge=2, le=200)] = 10
    session_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 12
    host_answer_days: Annotated[int, Field(ge=1, le=60)] = 5
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    meilisearch_url: str = ""
    meilisearch_key: SecretStr = SecretStr("")
    meilisearch_index: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,100}$")] = "entries"
    search_answers: Annotated[int, Field(ge=0, le=100_000)] = 200
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = ""
    # Where ClamAV listens: host:port, or the path of its socket. Without it files are not scanned.
    clamav: Annotated[str, Field(pattern=r"^(|/.+|[^\s/]+:\d{1,5})$")] = ""
    demo: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Self:
        secret = self.secret_key.get_secret_value()
        if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4:
            msg = f"SECRET_KEY is too weak: give at least {SHORTEST_SECRET} random characters"
            raise ValueError(msg)
        if self.demo and self.host not in LOOPBACK_HOSTS:
            msg = f"HOST {self.host} is not a loopback address, and the demo runs on loopback only"
            raise ValueError(msg)
        if self.meilisearch_url and not self.meilisearch_url.startswith(("http://", "https://")):
            msg = "MEILISEARCH_URL has to begin with http:// or https://"
            raise ValueError(msg)
        is_near = urlsplit(self.meilisearch_url).hostname in LOOPBACK_HOSTS
        if self.meilisearch_url and not is_near and not self.meilisearch_key.get_secret_value():
            msg = "MEILISEARCH_KEY is missing: a Meilisearch that is not on this machine needs one"
            raise ValueError(msg)
        if self.smtp_server is not None and "@" not in parseaddr(self.mail_from)[1]:
            msg = "MAIL_FROM is not an address: give the one that mail comes from, such as Name <name@example.org>"
            raise ValueError(msg)
        return self

    @property
    def smtp_server(self) -> SmtpServer | None:
        """The mail server; None where no mail is sent."""
        return _read_smtp_url(url) if (url := self.smtp_url.get_secret_value()) else None

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are sent over HTTPS only: always, except where people reach the site over plain HTTP."""
        return self.base_url.startswith("https://")


def _read_smtp_url(url: str) -> SmtpServer:
    """`smtp://user:password@host:587?starttls=1` or `smtps://host`; signs and ports as in any address.

    Raises:
        ValueError: it is not written so; the text does not repeat it, since it holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    use_tls = parts.scheme == "smtps"
    if parts.scheme not in _SMTP_PORTS or not parts.hostname:
        msg = "SMTP_URL is wrong: write smtp://user:password@host:587?starttls=1 or smtps://user:password@host:465"
        raise ValueError(msg)
    return SmtpServer(
        host=parts.hostname,
        port=port or _SMTP_PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=use_tls,
        start_tls=not use_tls and parse_qs(parts.query).get("starttls") == ["1"],
    )


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read and check the settings once.

    Raises:
        SettingsError: one line for each setting that is missing or wrong, without its value.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # the values come from the environment
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from None


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        if not fault["loc"]:
            lines.append(f"REGISTRY_{fault['msg'].removeprefix('Value error, ')}.")
            continue
        name = f"REGISTRY_{str(fault['loc'][0]).upper()}"
        if fault["type"] == "missing":
            lines.append(f"{name} is not set. Set it in the environment and start again.")
        else:
            lines.append(f"{name} is wrong: {fault['msg'][0].lower()}{fault['msg'][1:]}.")
    return lines
