"""The `registry` command: the one place where commands are wired."""

import asyncio
import getpass
import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from registry import LOOPBACK_HOSTS
from registry.agreement_commands import agreements_cli
from registry.commands import CommandError, DataDir, check_database, run, with_pool
from registry.demo.embedded import DemoError, port_is_taken, use_database
from search.commands import search_cli

if TYPE_CHECKING:
    from registry.settings import Settings

_errors = Console(stderr=True, soft_wrap=True, highlight=False)

cli = typer.Typer(
    name="registry",
    help="A registry of testbeds, demo environments, innovation procurements and innovation partnerships.",
    epilog="Start with [bold]registry demo[/bold]; it needs nothing else. Settings for production are "
    "REGISTRY_* variables, see docs/running.md.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)
user_cli = typer.Typer(help="Accounts.", no_args_is_help=True)
token_cli = typer.Typer(help="Bearer tokens for the API.", no_args_is_help=True)
cli.add_typer(user_cli, name="user")
cli.add_typer(token_cli, name="token")
cli.add_typer(search_cli, name="search")
cli.add_typer(agreements_cli, name="agreements")


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the web server.", min=1, max=65535)] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its data.", file_okay=False)] = Path(".data"),
    host: Annotated[str, typer.Option(help="Address to listen on; loopback only.")] = "127.0.0.1",
) -> None:
    """Try it: database, example data, worker and web server in one, on this machine only."""
    if host not in LOOPBACK_HOSTS:
        raise CommandError(
            f"The demo does not listen on {host}: its passwords are known to everybody. Use 127.0.0.1, or "
            "`registry serve` for a real installation."
        )
    from registry.demo.supervisor import run_demo  # noqa: PLC0415  # loading everything takes a second

    async def load_vocabulary() -> None:
        from search.vocabulary_files import load_if_empty  # noqa: PLC0415  # needs the address of the database

        await load_if_empty()

    async def index() -> None:
        from search.engine import EngineAway  # noqa: PLC0415  # needs the address of the database
        from search.upkeep import keep_up  # noqa: PLC0415

        try:
            await keep_up(thoroughly=True)
        except EngineAway as error:
            typer.echo(f"{error}. Search goes on in PostgreSQL; the worker builds the index when Meilisearch is back.")

    steps = [("Vocabulary of the search", load_vocabulary), ("Search index", index)]
    run_demo(host=host, port=port, data_dir=data_dir.resolve(), search_steps=steps, serve=_serve)


@cli.command()
def serve(data_dir: DataDir = None) -> None:
    """Run the web server, with the settings of the environment."""
    use_database(data_dir)
    settings = _settings()
    if port_is_taken(settings.host, settings.port):
        raise CommandError(f"Port {settings.port} is taken. Stop the program that uses it, or choose another port.")
    run(check_database())
    _serve(settings.host, settings.port, settings.processes, settings.log_level)


def _serve(host: str, port: int, processes: int = 1, log_level: str = "warning") -> None:
    """Run the web server until a signal ends it."""
    from granian import Granian  # noqa: PLC0415  # only two commands need it
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    Granian(
        "app:create_app",
        factory=True,
        interface=Interfaces.ASGI,
        address=host,
        port=port,
        workers=processes,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels(log_level),
        log_access=False,
        websockets=False,
    ).serve()


@cli.command()
def worker(data_dir: DataDir = None) -> None:
    """Do the jobs that changes leave behind: index, confirm bookings, follow dates."""
    from registry.jobs.worker import run_worker  # noqa: PLC0415  # see demo
    from worker import BESIDE, JOB_HANDLERS, SCHEDULES  # noqa: PLC0415

    use_database(data_dir)
    settings = _settings()

    async def work() -> None:
        await run_worker(settings.database_url, JOB_HANDLERS, SCHEDULES, _stop_on_signals(), BESIDE)

    run(check_database())
    run(with_pool(work()))


@cli.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the newest state of the tables; one without a search vocabulary gets the first one."""
    from registry.migrations import migrate as run_migrations  # noqa: PLC0415  # see demo
    from search.vocabulary_files import load_if_empty  # noqa: PLC0415  # see demo

    use_database(data_dir)
    run(check_database(migrated=False))
    count = run(run_migrations())
    typer.echo("The database was up to date." if count == 0 else f"Ran {count} migrations.")
    if concepts := run(load_if_empty()):
        typer.echo(f"Loaded {concepts} concepts of the search vocabulary.")


@user_cli.command("create")
def user_create(
    email: Annotated[str, typer.Option(help="The address that the person signs in with.")],
    role: Annotated[list[str], typer.Option(help="A role; repeat for several. ROLE or ROLE:ORGANISATION_ID.")],
    name: Annotated[str, typer.Option(help="The person's name; the address when not given.")] = "",
    organisation: Annotated[int | None, typer.Option(help="Id of the person's organisation.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Create an account. The password is asked for, or read from standard input."""
    from registry.access import SYSTEM, Role  # noqa: PLC0415  # see demo
    from registry.accounts.service import create_person  # noqa: PLC0415

    roles: list[tuple[Role, int | None]] = []
    for given in role:
        code, _, limit = given.partition(":")
        if code not in list(Role) or (limit and not limit.isdigit()):
            raise CommandError(f"“{given}” is no role. Roles are: {', '.join(Role)}; add :ID to limit one.")
        roles.append((Role(code), int(limit) if limit else None))
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    use_database(data_dir)
    run(check_database())
    run(
        create_person(
            SYSTEM, email=email, name=name or email, roles=roles, password=password, organisation_id=organisation
        )
    )
    typer.echo(f"Created an account for {email}.")


@token_cli.command("create")
def token_create(
    email: Annotated[str, typer.Option(help="The address of the account that the token acts for.")],
    label: Annotated[str, typer.Option(help="What the token is for.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Create a token and print it, and nothing else. It cannot be shown again."""
    from registry.access import SYSTEM  # noqa: PLC0415  # see demo
    from registry.accounts.service import create_token  # noqa: PLC0415

    use_database(data_dir)
    run(check_database())
    typer.echo(run(create_token(SYSTEM, email, label=label)))


def main() -> NoReturn:
    """Run the command; every fault that a person can mend becomes one line and exit status 1."""
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        cli(standalone_mode=True)
    except (CommandError, DemoError) as error:
        _errors.print(f"[bold red]Error:[/] {_plain(str(error))}")
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001  # the last resort: a sentence instead of a traceback
        _errors.print(f"[bold red]Error:[/] {_plain(_explain(error))}")
    raise SystemExit(1)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _explain(error: Exception) -> str:
    from asyncpg import PostgresError  # noqa: PLC0415  # see demo

    from registry.errors import DomainError, InvalidInput  # noqa: PLC0415
    from registry.settings import SettingsError  # noqa: PLC0415

    if isinstance(error, SettingsError):
        return str(error)
    if isinstance(error, InvalidInput):
        return " ".join(f"{fault.field}: {fault.message}" for fault in error.errors)
    if isinstance(error, DomainError):
        return str(error)
    if isinstance(error, PostgresError):
        return f"The database refused: {error}. Run `registry migrate` if the database is older than the program."
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}."
    return f"{type(error).__name__}: {error}"


def _settings() -> "Settings":
    """The settings of the environment; raises SettingsError."""
    from registry.settings import load_settings  # noqa: PLC0415  # see demo

    return load_settings()


def _stop_on_signals() -> asyncio.Event:
    import signal  # noqa: PLC0415  # only the worker needs it

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    main()
