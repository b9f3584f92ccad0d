"""The agreement gate: is this organisation covered in these environments through this interval, among many agreements.

Firms sign up to some twenty agreements each; one firm has a tenth of all. What is asked is what a booking asks: one to
three environments through some hours, in one query and with the words that explain it.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from bench import servers
from bench.figures import Figures, percentile
from bench.servers import Site
from registry import database
from registry.agreements.offers import missing_agreements

SIZES = (1_000, 100_000)
ENTRIES = 2_000
GOAL = 10.0  # milliseconds
_ASKED, _WARMING = 2_000, 100
_SEED = 2019

# What guards each row is left aside while so many are written: the rows are as the commands write them.
_FILL = """
SET LOCAL session_replication_role = replica;
INSERT INTO organisation (kind, name_sv, name_en, contact_email)
SELECT 'firm', 'Avtalsfirma ' || n, '', '' FROM generate_series(1, {firms}) n;
INSERT INTO person (email, name) VALUES ('author@registry.test', 'author'), ('legal@registry.test', 'legal');
CREATE TEMP TABLE planned ON COMMIT DROP AS
SELECT n, gen_random_uuid() AS id, t.type, t.version, e.id AS entry, coalesce(b.parent, b.id) AS body, f.id AS firm,
       CASE WHEN n % 20 < 13 THEN 'in_force' WHEN n % 20 < 15 THEN 'expired' WHEN n % 20 < 17 THEN 'in_review'
            WHEN n % 20 = 17 THEN 'approved' WHEN n % 20 = 18 THEN 'changes_requested' ELSE 'terminated' END AS state,
       DATE '2026-01-01' + n % 365 AS first
FROM generate_series(1, {size}) n
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS many, e.* FROM entry e) e
    ON e.place = n * 7919::bigint % e.many
JOIN organisation b ON b.id = e.accountable_body
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id FROM organisation WHERE name_sv LIKE 'Avtalsfirma %') f
    ON f.place = CASE WHEN n % 10 = 0 THEN 0 ELSE n * 104729::bigint % {firms} END
JOIN (SELECT row_number() OVER (ORDER BY t.id) - 1 AS place, count(*) OVER () AS many, t.type, v.id AS version
      FROM template t JOIN template_version v ON v.template = t.id AND v.number = 1) t ON t.place = n * 31 % t.many;
INSERT INTO agreement (id, type, state, title, dnr, template_version, framework, valid_from, valid_until, author,
                       decided_by, decision_reason, secrecy_ground, secrecy_decided_by, retention_note,
                       personal_data_dnr, created_at)
SELECT p.id, type, state, '', '', version, n % 20 = 3, first, first + 730, author.id, legal.id, '', '', '', '',
       '', now() - make_interval(mins => n)
FROM planned p, person author, person legal
WHERE author.email = 'author@registry.test' AND legal.email = 'legal@registry.test';
INSERT INTO agreement_party (agreement, organisation, role)
SELECT id, body, 'region' FROM planned UNION ALL SELECT id, firm, 'counterparty' FROM planned;
INSERT INTO agreement_entry (agreement, entry) SELECT id, entry FROM planned WHERE n % 20 <> 3;
INSERT INTO agreement_version (agreement, number, text_sv, text_en, sha256, terms)
SELECT p.id, 1, 'Text ' || p.n, '',
       encode(sha256(convert_to('Text ' || p.n || chr(10) || chr(10), 'UTF8')), 'hex'), v.terms
FROM planned p JOIN template_version v ON v.id = p.version;
INSERT INTO agreement_signature (version, organisation, person, method, sha256, signer_name)
SELECT v.id, p.organisation, (SELECT min(id) FROM person), 'signed_in', v.sha256, ''
FROM agreement_version v JOIN agreement a ON a.id = v.agreement JOIN agreement_party p ON p.agreement = a.id
WHERE a.state IN ('in_force', 'expired', 'terminated');
"""


async def run(sizes: Sequence[int], folder: Path) -> Figures:
    """Measure among each number of agreements. Databases that the folder has already are used again."""
    figures = Figures("agreements")
    names = [f"bench_agreements_{size}" for size in sizes]
    for size, (name, site) in zip(sizes, servers.databases(folder, names, 0).items(), strict=True):
        await _make(name, site, size)
        for who, times in json.loads(site.run("bench.agreements", "measure")).items():
            figures.add(f"gate, {who}, median", size, percentile(times, 0.5), "ms", goal=GOAL)
            figures.add(f"gate, {who}, 95 %", size, percentile(times, 0.95), "ms")
    return figures


async def _make(name: str, site: Site, size: int) -> None:
    url = site.variables["REGISTRY_DATABASE_URL"]
    server = await asyncpg.connect(url.replace(f"/{name}?", "/postgres?"))
    try:
        if await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            return
        await server.execute(f'CREATE DATABASE "{name}"')
    finally:
        await server.close()
    site.run("cli", "migrate")
    site.run("bench.entries", str(ENTRIES))
    own = await asyncpg.connect(url)
    try:
        async with own.transaction():
            await own.execute(_FILL.format(size=size, firms=max(50, size // 20)))
        await own.execute("VACUUM ANALYZE")
    finally:
        await own.close()


async def measure() -> dict[str, list[float]]:
    """Milliseconds of each question, asked of many firms and of the firm with the most agreements."""
    chance = random.Random(_SEED)  # noqa: S311  # the same questions each time
    firms = [r["id"] for r in await database.fetch("SELECT id FROM organisation WHERE name_sv LIKE 'Avtalsfirma %'")]
    offering = [r["entry"] for r in await database.fetch("SELECT DISTINCT entry FROM offer WHERE required")]
    return {
        "any firm": [await _ask(chance, chance.choice(firms), offering) for _ in range(_ASKED)][_WARMING:],
        "the largest firm": [await _ask(chance, min(firms), offering) for _ in range(_ASKED // 4)][_WARMING:],
    }


async def _ask(chance: random.Random, firm: int, offering: Sequence[int]) -> float:
    starts_at = datetime(2027, 3, 1, 8, tzinfo=UTC) + timedelta(days=chance.randint(0, 300))
    entries = chance.sample(offering, chance.randint(1, 3))
    begun = time.perf_counter()
    await missing_agreements(firm, "external", entries, starts_at, starts_at + timedelta(hours=4))
    return (time.perf_counter() - begun) * 1000


async def _main() -> None:
    await database.engine().start_connection_pool(min_size=1, max_size=1)
    sys.stdout.write(json.dumps(await measure()))
    await database.engine().close_connection_pool()


if __name__ == "__main__":
    asyncio.run(_main())
