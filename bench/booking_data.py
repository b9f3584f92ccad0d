"""Made-up bookings for measurements: thousands of environments, years of bookings, firms and hosts.

Everything goes through the real tables, so that the triggers write the held times and check the log. The same number
makes the same bookings. `python -m bench.booking_data 1000000` fills the database of the settings.
"""

import asyncio
import sys

from registry import database
from registry.access import SYSTEM, Role
from registry.accounts import service as accounts
from registry.accounts.codes import OrganisationKind

ENVIRONMENTS = 4000
BODIES = 12
FIRMS = 200
BATCH = 20_000
_DAYS = 1825
HOST, FIRM = "host{}@registry.test", "firm{}@registry.test"

# Of every eight environments the first is a whole site with the three after it as its parts.
_ENTRIES = """
INSERT INTO entry (id, slug, kind, status, title_sv, title_en, primary_sector, sectors, accountable_body, track,
                   published_at, confirmed_at)
SELECT n, 'place-' || n, 'testbed', 'published', 'Plats ' || n, 'Place ' || n, 'healthcare', '{healthcare}',
       ($2::int[])[1 + (n / 8) % cardinality($2::int[])], 'internal', now(), now()
FROM generate_series(1, $1::int) AS n
"""
_ENVIRONMENTS = """
INSERT INTO environment (id, parent, capacity, buffer_before, buffer_after, shortest, longest, lead_time_hours,
                         horizon_days, bookable_by)
SELECT n, CASE WHEN n % 8 BETWEEN 2 AND 4 THEN n - n % 8 + 1 END,
       CASE WHEN n % 8 IN (3, 0) THEN 3 WHEN n % 8 = 7 THEN 2 ELSE 1 END, 0, CASE WHEN n % 3 = 0 THEN 15 ELSE 0 END,
       30, 1440, 24, 365, '{external,employee}'
FROM generate_series(1, $1::int) AS n
"""
_HOURS = """
INSERT INTO opening_hours (environment, weekday, opens, closes)
SELECT n, day, '06:00', '22:00' FROM generate_series(1, $1::int) AS n, generate_series(1, 7) AS day
"""
# Each environment has days of its own, from four years ago to a year ahead, with up to two bookings on each of them.
# The whole of a site has Sundays and its parts the other days, so that the guard refuses none. What is over holds
# nothing; of what is to come four fifths hold their time.
_PLANNED = """
CREATE UNLOGGED TABLE planned AS
SELECT id, n, environment, firm, starts, starts + minutes * interval '1 minute' AS ends,
       CASE WHEN starts < now() THEN
           CASE WHEN chance < 67 THEN 'outcome_recorded' WHEN chance < 70 THEN 'completed'
                WHEN chance < 80 THEN 'cancelled' WHEN chance < 90 THEN 'declined' WHEN chance < 97 THEN 'withdrawn'
                ELSE 'no_show' END
       ELSE
           CASE WHEN chance < 75 THEN 'confirmed' WHEN chance < 82 THEN 'approved' WHEN chance < 86 THEN 'submitted'
                WHEN chance < 89 THEN 'changes_requested' WHEN chance < 92 THEN 'draft' ELSE 'declined' END
       END AS state
FROM (
    SELECT n, gen_random_uuid() AS id, environment, 60 + (hashint8(n + 1) & 3) * 30 AS minutes,
           1 + (hashint8(n + 2) & 65535) % {firms} AS firm, (hashint8(n + 3) & 65535) % 100 AS chance,
           (day + CASE WHEN environment % 8 = 1 THEN 7 - weekday
                       WHEN environment % 8 BETWEEN 2 AND 4 AND weekday = 7 THEN 1 ELSE 0 END
            + time '06:00' + (n / {environments} % 2) * interval '6 hours' + (n % 5) * interval '30 minutes'
           ) AT TIME ZONE 'Europe/Stockholm' AS starts
    FROM (
        SELECT n, environment, day, extract(isodow FROM day)::int AS weekday
        FROM generate_series(0, {count}::bigint - 1) AS n,
        LATERAL (SELECT 1 + n % {environments} AS environment) AS place,
        LATERAL (
            SELECT now()::date - 1460 + (n / {environments} / 2 * {step} + environment * 37 % {step})::int AS day
        ) AS drawn
    ) AS days
) AS times
"""
# Each event is of a transaction of its own, as in a database in use, long after all that will ever run here: what the
# database knows of the spread decides how it looks up whether a change was logged.
_LOGGED = """
INSERT INTO audit_event (actor_id, actor_name, type, subject_kind, subject_id, data, transaction_id)
SELECT f.person, '', e.type, 'booking', p.id::text, e.data::jsonb, (1000000000000 + p.n * 2 + e.n)::text::xid8
FROM planned p JOIN firm_person f ON f.number = p.firm, (VALUES
    (0, 'booking.created', '{}'),
    (1, 'booking.state_changed', '{"action": "submit", "from": "draft", "to": "submitted"}')
) AS e (n, type, data)
WHERE p.n BETWEEN $1 AND $2 AND (e.n = 0 OR p.state <> 'draft')
"""
_FILLING = "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('bench.filled', 'bench', 'all')"
_BOOKINGS = """
INSERT INTO booking (id, state, requester, organisation, audience, starts_at, ends_at, purpose, operational_benefit,
                     user_benefit, trl, participants, created_at, submitted_at, decided_at, hold_until, confirmed_at,
                     reason, outcome_decision)
SELECT s.id, s.state, f.person, f.organisation, 'external', s.starts, s.ends, 'Try a new alarm at night',
       'Fewer interruptions', 'Quieter nights', 5, 3, s.starts - interval '30 days',
       CASE WHEN s.state <> 'draft' THEN s.starts - interval '30 days' END,
       CASE WHEN s.state NOT IN ('draft', 'submitted', 'withdrawn') THEN s.starts - interval '25 days' END,
       CASE WHEN s.state = 'approved' THEN now() + interval '30 days' END,
       CASE WHEN s.state IN ('confirmed', 'completed', 'outcome_recorded', 'no_show')
            THEN s.starts - interval '25 days' END,
       CASE WHEN s.state IN ('declined', 'changes_requested', 'cancelled') THEN 'The place is closed then.' ELSE '' END,
       CASE WHEN s.state = 'outcome_recorded' THEN 'iterate' END
FROM planned s JOIN firm_person f ON f.number = s.firm WHERE s.n BETWEEN $1 AND $2
"""
_PLACES = """
INSERT INTO booking_environment (booking, environment)
SELECT id, environment FROM planned WHERE n BETWEEN $1 AND $2 ORDER BY environment, starts
"""


async def fill(count: int) -> None:
    """Write the environments, and so many bookings with what they hold and what is logged of them."""
    bodies = []
    for number in range(BODIES):
        kind, name = OrganisationKind.COMMITTEE, f"Committee {number}"
        body = await accounts.create_organisation(SYSTEM, kind=kind, name_sv=name, name_en=name)
        await _person(HOST.format(number), Role.HOST, body)
        bodies.append(body)
    for number in range(1, FIRMS + 1):
        kind, name = OrganisationKind.FIRM, f"Firm {number}"
        firm = await accounts.create_organisation(SYSTEM, kind=kind, name_sv=name, name_en=name)
        await _person(FIRM.format(number), Role.FIRM, firm)
    async with database.transaction():
        await database.fetch(_FILLING)
        await database.fetch(_ENTRIES, ENVIRONMENTS, bodies)
        await database.fetch(_ENVIRONMENTS, ENVIRONMENTS)
        await database.fetch(_HOURS, ENVIRONMENTS)
    await database.fetch("SELECT setval(pg_get_serial_sequence('entry', 'id'), $1)", ENVIRONMENTS)
    await _fill_bookings(count)
    # As an autovacuum has done it in a database in use.
    await database.fetch("VACUUM ANALYZE")


async def _person(email: str, role: Role, organisation: int) -> None:
    await accounts.create_person(
        SYSTEM, email=email, name=email, roles=[(role, organisation)], organisation_id=organisation
    )


async def _fill_bookings(count: int) -> None:
    await database.fetch(
        "CREATE UNLOGGED TABLE firm_person AS SELECT split_part(substr(email, 5), '@', 1)::int AS number,"
        " id AS person, organisation FROM person WHERE email LIKE 'firm%'"
    )
    days = 1 + (count - 1) // (ENVIRONMENTS * 2)
    await database.fetch(_PLANNED.format(count=count, environments=ENVIRONMENTS, firms=FIRMS, step=_DAYS // days))
    await database.fetch("CREATE INDEX ON planned (n)")
    await database.fetch("ANALYZE planned, firm_person")
    for start in range(0, count, BATCH):
        async with database.transaction():
            await database.fetch(_FILLING)
            for sql in (_LOGGED, _BOOKINGS, _PLACES):
                await database.fetch(sql, start, start + BATCH - 1)
        if start == 0:
            # As the database does by itself after a while; plans that were made for empty tables read all of them.
            await database.fetch("ANALYZE audit_event, booking, booking_environment, booking_hold")
    await database.fetch("DROP TABLE planned, firm_person")


async def _main(count: int) -> None:
    await database.engine().start_connection_pool(min_size=1, max_size=2)
    await fill(count)
    await database.engine().close_connection_pool()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
