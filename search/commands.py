"""The commands `registry search …`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from registry.commands import CommandError, DataDir, check_database, run, with_pool
from registry.demo.embedded import use_database

if TYPE_CHECKING:
    from search.engine import SearchEngine
    from search.evaluate import Evaluation, Measured
    from search.status import Status

search_cli = typer.Typer(help="The search: its index, its state, its quality, its vocabulary.", no_args_is_help=True)
_WORST = 10
Anew = Annotated[bool, typer.Option("--anew", help="Derive every document, also those that seem up to date.")]
Deep = Annotated[bool, typer.Option("--deep", help="Compare the documents of all entries with them, not of some.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Also show the worst queries.")]
_aside = Console(stderr=True, soft_wrap=True, highlight=False)


class EngineName(StrEnum):
    MEILISEARCH = "meilisearch"
    POSTGRES = "postgres"


@search_cli.command()
def reindex(
    *,
    anew: Anew = False,
    data_dir: DataDir = None,
) -> None:
    """Bring all documents up to date, and build a fresh index in Meilisearch and swap it in, if one is configured.

    Search goes on meanwhile, without a moment of missing results.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from search.engine import EngineAway  # noqa: PLC0415  # loading everything takes a second
    from search.sync import reindex as reindex_all  # noqa: PLC0415

    use_database(data_dir)
    run(check_database())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=_aside) as progress:
            task = progress.add_task("Indexing entries", total=None)
            work = reindex_all(lambda done, total: progress.update(task, completed=done, total=total), anew=anew)
            count = run(with_pool(work))
    except EngineAway as error:
        raise CommandError(
            f"{error}. The documents are up to date and search goes on in PostgreSQL; the index is as it was. "
            "`registry search status` says what to do."
        ) from error
    typer.echo(f"Indexed {count} entries.")


@search_cli.command()
def status(
    *,
    deep: Deep = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Compare entries, documents and the index of Meilisearch, and say what to do about what differs.

    Ends with status 0 when all is well, and 1 when something differs.
    """
    from rich.progress import Progress  # noqa: PLC0415  # see reindex

    from search.status import look  # noqa: PLC0415

    use_database(data_dir)
    run(check_database())
    with Progress(console=_aside, transient=True, disable=not deep) as progress:
        task = progress.add_task("Comparing entries", total=None)
        work = look(deep=deep, progress=lambda done, total: progress.update(task, completed=done, total=total))
        found = run(with_pool(work))
    typer.echo(json.dumps(asdict(found) | {"is_well": found.is_well}, ensure_ascii=False) if as_json else _told(found))
    if not found.is_well:
        raise typer.Exit(1)


def _told(status: "Status") -> str:
    from search.status import seconds  # noqa: PLC0415  # see reindex

    lines = [f"{status.entries} published entries, {status.documents} documents, {status.compared} of them compared."]
    if status.index is None:
        lines.append("Search is in PostgreSQL; no Meilisearch is configured.")
    elif status.server_version is not None:
        indexed = "no index" if status.indexed is None else f"{status.indexed} documents in the index"
        lines.append(f"Meilisearch {status.server_version}, “{status.index}”: {indexed}.")
    if status.oldest_job is not None:
        lines.append(f"{status.waiting_jobs} jobs wait for the worker, the oldest for {seconds(status.oldest_job)}.")
    for finding in status.findings:
        lines.append(f"- {finding.text}.")
        if finding.names:
            more = f" and {finding.count - len(finding.names)} more" if finding.count > len(finding.names) else ""
            lines.append(f"  {', '.join(finding.names)}{more}")
        lines.append(f"  {finding.advice}")
    return "\n".join([*lines, *(["All is well."] if status.is_well else [])])


@search_cli.command()
def evaluate(
    file: Annotated[
        Path, typer.Argument(help='Judged queries: JSON, a list of {"query": …, "relevant": {name: grade}}.')
    ],
    engine: Annotated[
        EngineName | None, typer.Option(help="The engine to ask; the one in use if none is given.")
    ] = None,
    *,
    verbose: Verbose = False,
    data_dir: DataDir = None,
) -> None:
    """Measure how good the search is: judged queries, asked as a visitor would.

    A name is an entry's title in Swedish or English, a grade a whole number: 0 does not answer the query, more is
    better. nDCG@10 is the mean over all queries of DCG/ideal DCG of the first ten, where an entry of grade g at place
    i gains (2^g - 1) / log2(i + 1). Recall@10 is the mean share of the entries with a grade above 0 that are among
    the first ten. Names that no entry has are told of and left out.
    """
    from search.engine import EngineAway  # noqa: PLC0415  # see reindex
    from search.evaluate import BadFile, read  # noqa: PLC0415
    from search.evaluate import evaluate as evaluate_all  # noqa: PLC0415

    try:
        judged = read(file)
    except BadFile as error:
        raise CommandError(str(error)) from error
    use_database(data_dir)
    run(check_database())
    try:
        found = run(with_pool(evaluate_all(judged, _engine(engine))))
    except EngineAway as error:
        raise CommandError(f"{error}. `registry search status` says what to do.") from error
    if not found.measured:
        raise CommandError(
            f"None of the {len(found.unknown)} names in {file} is the title of an entry. Check the names."
        )
    _tell_evaluation(found, verbose=verbose)


def _engine(name: EngineName | None) -> "SearchEngine | None":
    """Raises CommandError: Meilisearch is asked for, and none is configured."""
    from registry.settings import load_settings  # noqa: PLC0415  # see reindex
    from search.meilisearch import MeilisearchEngine  # noqa: PLC0415
    from search.postgres import PostgresEngine  # noqa: PLC0415

    if name is None:
        return None
    if name is EngineName.POSTGRES:
        return PostgresEngine()
    if not load_settings().meilisearch_url:
        raise CommandError("No Meilisearch is configured. Set REGISTRY_MEILISEARCH_URL.")
    return MeilisearchEngine(load_settings().meilisearch_index)


def _tell_evaluation(found: "Evaluation", *, verbose: bool) -> None:
    if found.unknown:
        _aside.print(
            f"Warning: {len(found.unknown)} names that no entry has: {'; '.join(found.unknown[:_WORST])}", markup=False
        )
    if found.left_out:
        _aside.print(
            f"Warning: {len(found.left_out)} queries left out, since nothing is judged for them.", markup=False
        )
    typer.echo(f"{len(found.measured)} queries, answered by {' and '.join(found.engines)}")
    typer.echo(f"nDCG@10    {found.ndcg:.4f}")
    typer.echo(f"recall@10  {found.recall:.4f}")
    typer.echo(f"Queries without a hit: {len(found.without_hit)}")
    for query in found.without_hit:
        typer.echo(f"  {query}")
    if verbose:
        _tell_worst(sorted(found.measured, key=lambda one: one.ndcg)[:_WORST])


def _tell_worst(measured: "Sequence[Measured]") -> None:
    typer.echo("The worst queries:")
    for one in measured:
        wanted = ", ".join(f"{name} ({grade})" for name, grade in one.judged.relevant.items())
        typer.echo(f"  {one.ndcg:.2f}  {one.judged.query}")
        typer.echo(f"        wanted {wanted}")
        typer.echo(f"        found  {', '.join(one.found[:5]) or 'nothing'}")


@search_cli.command("load-vocabulary")
def load_vocabulary(data_dir: DataDir = None) -> None:
    """Add what the starting vocabulary of this release has and the vocabulary has not; nothing else changes."""
    from search.vocabulary_files import load_starting  # noqa: PLC0415  # see reindex

    use_database(data_dir)
    run(check_database())
    typer.echo(f"Added {run(load_starting())} concepts.")
