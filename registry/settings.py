"""Settings of the program; nothing else reads the environment."""

from functools import lru_cache
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry import LOOPBACK_HOSTS

SHORTEST_SECRET = 32


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says what to do."""


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
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    meilisearch_url: str = ""
    meilisearch_key: SecretStr = SecretStr("")
    meilisearch_index: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,100}$")] = "entries"
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
        return self

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are sent over HTTPS only: always, except where people reach the site over plain HTTP."""
        return self.base_url.startswith("https://")


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
