"""The search: what a request costs beside the bare engine, and what indexing costs beside handing documents over.

The program is asked twice: as it is installed (`API`), where it keeps answers, so that only the first round works them
out and that round is not counted; and as if nobody ever asked the same again (`API, worked out`). The bare engine is
asked by the same load generator, in turns with the program: with the very requests that the program sends for each
search (`engine`), and with a plain search for the words as they were written (`plain`).
"""

import json
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bench import load, questions, servers
from bench.figures import Figures, percentile
from bench.load import Measured, Plan, Target
from bench.recorder import recording
from bench.servers import Site

# Sizes take turns too, so that their medians can be compared.
TURNS = 4
ROUNDS_A_TURN = 3
SIZES = (1_000, 10_000, 100_000)
CONNECTIONS = 16
SECONDS, WARMING = 4.0, 1.5
_MANY = 50_000  # entries of which an index is built once, because it takes minutes
_SIZE_OF_AN_ANSWER = 16_000  # bytes
_PROGRAMS = ("API", "API, worked out")


@dataclass(frozen=True)
class _Scene:
    """The program on a database of some size, and what it and the bare engine are asked."""

    size: int
    site: Site
    port: int
    targets: list[Target]


async def run(sizes: Sequence[int], folder: Path) -> Figures:
    """Measure for each number of entries. Databases that the folder has already are used again."""
    figures = Figures("search")
    engine_port = servers.free_port()
    sites = servers.databases(folder, [f"bench_{size}" for size in sizes], engine_port)
    async with servers.meilisearch(folder / "meilisearch", engine_port), AsyncExitStack() as stack:
        for size, site in zip(sizes, sites.values(), strict=True):
            await _fill(size, site, figures)
            _measure_indexing(size, site, figures)
        scenes = []
        for size, site in zip(sizes, sites.values(), strict=True):
            port = await stack.enter_async_context(servers.serve(site))
            anew = await stack.enter_async_context(servers.serve(site.without_kept_answers()))
            scenes.append(_Scene(size, site, port, await _targets(site, (port, anew), engine_port)))
        await _measure_floor(sizes[0], figures)
        await _measure_times(scenes, figures)
        await _measure_rates(scenes, figures)
        await _measure_suggestions(scenes, figures)
    for size, site in zip(sizes, sites.values(), strict=True):
        async with servers.serve(site.without_engine()) as port:
            plan = Plan([_api("postgres", port, questions.searches())], ROUNDS_A_TURN + 1)
            (measured,) = await load.run(plan)
        _add_times(figures, "in PostgreSQL", size, _without_first(measured))
    return figures


async def _fill(size: int, site: Site, figures: Figures) -> None:
    """Make the database, its entries and their documents, where they are not there yet."""
    if not await servers.create_database(site, f"bench_{size}"):
        return
    site.run("cli", "migrate")
    site.run("bench.entries", str(size))
    start = time.perf_counter()
    site.run("cli", "search", "reindex")
    figures.add("reindex, every document derived", size, time.perf_counter() - start, "s")


def _measure_indexing(size: int, site: Site, figures: Figures) -> None:
    """Build the index with the program and by hand, in turns."""
    ours, bare = [], []
    for _ in range(1 if size > _MANY else 2):
        bare.append(float(site.run("bench.bulk")))
        start = time.perf_counter()
        site.run("cli", "search", "reindex")
        ours.append(time.perf_counter() - start)
    figures.add("reindex", size, statistics.median(ours), "s")
    figures.add("documents handed over in bulk", size, statistics.median(bare), "s")
    ratio = statistics.median(ours) / statistics.median(bare)
    figures.add("reindex / bulk", size, ratio, "×", goal=1.5 if size > _MANY else None)


async def _targets(site: Site, ports: tuple[int, int], engine_port: int) -> list[Target]:
    """The program with and without kept answers, and the engine: with what the program asks it, and the plain words."""
    addresses = questions.searches()
    index = site.variables["REGISTRY_MEILISEARCH_INDEX"]
    recorded = []
    async with (
        recording(engine_port) as (recorder, recorder_port),
        servers.serve(site.without_kept_answers().with_engine(f"http://127.0.0.1:{recorder_port}")) as other_port,
    ):
        for address in [addresses[0], *addresses]:
            await load.run(Plan([_api("recorded", other_port, [address])], rounds=1))
            recorded.append(recorder.take())
    plain = [_post(f"/indexes/{index}/search", _plain_search(dict(query))) for query in questions.SEARCHES]
    return [
        *(_api(name, port, addresses) for name, port in zip(_PROGRAMS, ports, strict=True)),
        Target("engine", engine_port, recorded[1:]),
        Target("plain", engine_port, [[message] for message in plain]),
    ]


def _api(name: str, port: int, addresses: Sequence[str]) -> Target:
    return Target(name, port, [[f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"] for address in addresses])


def _post(path: str, body: object) -> str:
    text = json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\n\r\n{text}"
    )


def _plain_search(query: dict[str, str]) -> dict[str, object]:
    """What somebody would ask the engine who has nothing around it."""
    chosen = [f'facets.{name} = "{value}"' for name, value in query.items() if name != "q"]
    return {
        "q": query["q"],
        "filter": [*chosen, "staff = false"],
        "facets": ["facets.kind", "facets.sector"],
        "limit": 20,
    }


async def _measure_floor(size: int, figures: Figures) -> None:
    """What the load generator itself adds to every time, and the most it can send."""
    took, rate = await load.floor(_SIZE_OF_AN_ANSWER)
    figures.add("load generator alone, median", size, took, "ms")
    figures.add(f"load generator alone, {CONNECTIONS} connections", size, rate, "/s")


async def _measure_times(scenes: Sequence[_Scene], figures: Figures) -> None:
    """Searches one at a time."""
    times: dict[int, dict[str, list[float]]] = {scene.size: {} for scene in scenes}
    for _ in range(TURNS):
        for scene in scenes:
            for one in await load.run(Plan(scene.targets, ROUNDS_A_TURN + 1)):
                times[scene.size].setdefault(one.name, []).extend(_without_first(one))
    for scene in scenes:
        _add_ratios(figures, scene.size, times[scene.size])
    smallest, largest = scenes[0].size, scenes[-1].size
    for name in _PROGRAMS:
        growth = statistics.median(times[largest][name]) / statistics.median(times[smallest][name])
        figures.add(f"{name}, median of {largest:,} / of {smallest:,}", largest, growth, "×", goal=1.5)


def _without_first(measured: Measured) -> list[float]:
    """The times without those of the first round, in which caches fill."""
    return measured.times[len(questions.SEARCHES) :]


def _add_times(figures: Figures, name: str, size: int, times: Sequence[float]) -> None:
    figures.add(f"{name}, median", size, statistics.median(times), "ms")
    figures.add(f"{name}, 99th percentile", size, percentile(times, 0.99), "ms")


def _add_ratios(figures: Figures, size: int, times: dict[str, list[float]]) -> None:
    for name, own in times.items():
        _add_times(figures, name, size, own)
    for name, (other, median, slowest) in product(_PROGRAMS, (("engine", 2.0, 3.0), ("plain", None, None))):
        ratio = statistics.median(times[name]) / statistics.median(times[other])
        figures.add(f"{name} / {other}, median", size, ratio, "×", goal=median)
        ratio = percentile(times[name], 0.99) / percentile(times[other], 0.99)
        figures.add(f"{name} / {other}, 99th percentile", size, ratio, "×", goal=slowest)


async def _measure_rates(scenes: Sequence[_Scene], figures: Figures) -> None:
    """Searches over many connections at once."""
    for scene in scenes:
        await load.run(Plan(scene.targets, 1, CONNECTIONS, WARMING))
        measured = await load.run(Plan(scene.targets, TURNS, CONNECTIONS, SECONDS))
        rates = {one.name: statistics.median(one.rates) for one in measured}
        for name, rate in rates.items():
            figures.add(f"{name}, {CONNECTIONS} connections", scene.size, rate, "/s")
        for name, (other, goal) in product(_PROGRAMS, (("engine", 0.5), ("plain", None))):
            ratio = rates[name] / rates[other]
            figures.add(f"{name} / {other}, throughput", scene.size, ratio, "×", goal=goal, at_least=True)


async def _measure_suggestions(scenes: Sequence[_Scene], figures: Figures) -> None:
    for scene in scenes:
        addresses = questions.suggestions()
        (measured,) = await load.run(Plan([_api("suggest", scene.port, addresses)], ROUNDS_A_TURN * TURNS + 1))
        times = measured.times[len(addresses) :]
        figures.add("suggestions, median", scene.size, statistics.median(times), "ms")
        figures.add("suggestions, 99th percentile", scene.size, percentile(times, 0.99), "ms", goal=30.0)
