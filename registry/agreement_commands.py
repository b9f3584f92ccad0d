"""The commands `registry agreements …`."""

from collections import Counter

import typer

from registry.commands import CommandError, DataDir, check_database, run, with_pool
from registry.demo.embedded import use_database

agreements_cli = typer.Typer(help="Agreements: their stored texts and documents.", no_args_is_help=True)


@agreements_cli.callback()
def _group() -> None:
    """Agreements: their stored texts and documents."""


@agreements_cli.command()
def verify(data_dir: DataDir = None) -> None:
    """Check every stored text, signature and document against its SHA-256; exit status 1 if one has been changed."""
    use_database(data_dir)

    async def check() -> tuple[Counter[str], list[str]]:
        from registry.agreements.verification import verify_all  # noqa: PLC0415  # needs the address of the database

        counted, damaged = Counter[str](), list[str]()
        async for one in verify_all():
            counted[one.kind] += 1
            if not one.is_whole:
                damaged.append(f"Agreement {one.agreement_id}: {one.place} is not what was stored.")
        return counted, damaged

    run(check_database())
    counted, damaged = run(with_pool(check()))
    for line in damaged:
        typer.echo(line)
    typer.echo(", ".join(f"{counted[kind]} {kind}s" for kind in ("version", "signature", "document")) + " checked.")
    if damaged:
        raise CommandError(f"{len(damaged)} of them have been changed. Restore them from a backup.")
