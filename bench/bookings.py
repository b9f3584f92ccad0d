"""Bookings: how fast they are made and read with few and with many of them stored.

Requests are sent over HTTP by signed-in firms, each for a time that is free, while the database holds a thousand or a
million bookings (bench/booking_data.py). The sizes take turns, so that what else the machine does meets both.
"""

import json
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from bench import load, servers
from bench.booking_data import BODIES, FIRM, HOST
from bench.figures import Figures, percentile
from bench.load import Plan, Target
from bench.servers import Site

SIZES = (1_000, 1_000_000)
CONNECTIONS = 8
TURNS, SECONDS, WARMING = 4, 5.0, 3.0
FIRMS_ASKING = 16
REQUESTS = 6_000
READS, ROUNDS = 40, 4
_MONTH = timedelta(days=31)

# Evenings that nobody has: the bookings that are there end at half past four.
_FREE = """
SELECT e.slug, to_char(day + hour * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS') AS starts,
       to_char(day + (hour + 1) * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS') AS ends
FROM entry e JOIN environment v ON v.id = e.id,
     generate_series(now()::date + 3, now()::date + 200, interval '1 day') AS day,
     generate_series(17, 20) AS hour
WHERE NOT EXISTS (SELECT FROM environment part WHERE part.parent = v.id) AND v.parent IS NULL
  AND hashint8(v.id * 7919 + extract(day FROM day)::int * 104729 + hour) % 200 = 0
ORDER BY hashint8(v.id + extract(doy FROM day)::int) LIMIT $1
"""


@dataclass(frozen=True)
class _Scene:
    """The program on a database of some size, and what it is asked."""

    size: int
    port: int
    requests: Target
    availability: Target
    own: Target
    queue: Target


async def run(sizes: Sequence[int], folder: Path) -> Figures:
    """Measure for each number of bookings. Databases that the folder has already are used again."""
    figures = Figures("bookings")
    sites = servers.databases(folder, [f"bookings_{size}" for size in sizes], engine_port=0)
    async with AsyncExitStack() as stack:
        scenes = []
        for size, (name, named) in zip(sizes, sites.items(), strict=True):
            site = named.without_engine()
            if await servers.create_database(site, name):
                site.run("cli", "migrate")
                site.run("bench.booking_data", str(size))
            port = await stack.enter_async_context(servers.serve(site))
            scenes.append(await _scene(size, site, port))
        await _measure_requests(scenes, figures)
        for name, goal, targets in (
            ("availability of a month", 20.0, [scene.availability for scene in scenes]),
            ("own bookings", None, [scene.own for scene in scenes]),
            ("the host's queue", None, [scene.queue for scene in scenes]),
        ):
            await _measure_reads(name, goal, scenes, targets, figures)
    return figures


async def _scene(size: int, site: Site, port: int) -> _Scene:
    tokens = [
        site.run("cli", "token", "create", "--email", FIRM.format(number + 1)).strip() for number in range(FIRMS_ASKING)
    ]
    session = site.run("bench.booking_session", HOST.format(size % BODIES)).strip()
    connection = await asyncpg.connect(site.variables["REGISTRY_DATABASE_URL"])
    try:
        free = await connection.fetch(_FREE, REQUESTS)
        slugs = [
            row["slug"]
            for row in await connection.fetch("SELECT slug FROM entry ORDER BY hashint8(id) LIMIT $1", READS)
        ]
    finally:
        await connection.close()
    asked = [
        _request(
            port, f"POST /api/v1/bookings HTTP/1.1\r\nAuthorization: Bearer {tokens[number % len(tokens)]}", _body(row)
        )
        for number, row in enumerate(free)
    ]
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    window = f"from={_stamp(first)}&to={_stamp(first + _MONTH)}"
    return _Scene(
        size,
        port,
        Target(f"{size}", port, asked),
        Target(
            f"{size}",
            port,
            [_request(port, f"GET /api/v1/environments/{slug}/availability?{window} HTTP/1.1") for slug in slugs],
        ),
        Target(
            f"{size}",
            port,
            [_request(port, f"GET /api/v1/bookings HTTP/1.1\r\nAuthorization: Bearer {token}") for token in tokens],
        ),
        Target(f"{size}", port, [_request(port, f"GET /desk/bookings HTTP/1.1\r\nCookie: session={session}")] * 5),
    )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(row: asyncpg.Record) -> str:
    return json.dumps(
        {
            "environments": [row["slug"]],
            "starts_at": f"{row['starts']}+01:00",
            "ends_at": f"{row['ends']}+01:00",
            "purpose": "Try a new alarm at night",
            "operational_benefit": "Fewer interruptions",
            "user_benefit": "Quieter nights",
            "trl": 5,
            "participants": 3,
            "personal_data": False,
            "submit": True,
        }
    )


def _request(port: int, head: str, body: str = "") -> list[str]:
    """A whole message; `head` is its first lines."""
    content = f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}" if body else ""
    return [f"{head}\r\nHost: 127.0.0.1:{port}{content}\r\n\r\n{body}"]


async def _measure_requests(scenes: Sequence[_Scene], figures: Figures) -> None:
    """Requests over several connections at once: how many a second, and how long each takes."""
    targets = [scene.requests for scene in scenes]
    await load.run(Plan(targets, 1, CONNECTIONS, WARMING))
    measured = await load.run(Plan(targets, TURNS, CONNECTIONS, SECONDS))
    rates, slowest = [], []
    for scene, one in zip(scenes, measured, strict=True):
        if one.faults:
            raise RuntimeError(f"{one.faults} requests for bookings were refused.")
        rates.append(statistics.median(one.rates))
        slowest.append(percentile(one.times, 0.99))
        figures.add(f"requests, {CONNECTIONS} connections", scene.size, rates[-1], "/s", goal=100.0, at_least=True)
        figures.add("requests, median", scene.size, statistics.median(one.times), "ms")
        figures.add("requests, 99th percentile", scene.size, slowest[-1], "ms", goal=150.0)
    smallest, largest = scenes[0].size, scenes[-1].size
    names = f"of {smallest:,} / of {largest:,}", f"of {largest:,} / of {smallest:,}"
    figures.add(f"requests a second, {names[0]}", largest, rates[0] / rates[-1], "×", goal=1.3)
    figures.add(f"requests, 99th percentile, {names[1]}", largest, slowest[-1] / slowest[0], "×", goal=1.3)


async def _measure_reads(
    name: str, goal: float | None, scenes: Sequence[_Scene], targets: Sequence[Target], figures: Figures
) -> None:
    """Reads one at a time; the first round, in which caches fill, does not count."""
    for scene, one in zip(scenes, await load.run(Plan(targets, ROUNDS + 1)), strict=True):
        if one.faults:
            raise RuntimeError(f"{one.faults} answers were no good: {name}.")
        times = one.times[len(targets[0].requests) :]
        figures.add(f"{name}, median", scene.size, statistics.median(times), "ms", goal=goal)
        figures.add(f"{name}, 99th percentile", scene.size, percentile(times, 0.99), "ms")
