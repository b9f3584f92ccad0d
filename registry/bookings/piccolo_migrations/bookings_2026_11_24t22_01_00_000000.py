"""Blackouts that the database itself enforces, and refusals that name the bookings. See docs/decisions/0009-calendars.md.

Locks: functions are replaced; the trigger on booking_hold waits for running writes.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T22:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "blackout_guards"

FORWARDS = r"""
CREATE INDEX blackout_environment_index ON blackout (environment, ends_at);
CREATE CONSTRAINT TRIGGER blackout_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON blackout
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();

-- The bookings that held their time when a blackout came over it: they may go on holding this time, and no other.
-- Written by the functions below only.
CREATE TABLE blackout_booking (
    blackout bigint NOT NULL REFERENCES blackout (id) ON DELETE CASCADE,
    booking uuid NOT NULL REFERENCES booking (id) ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (blackout, booking)
);
CREATE INDEX blackout_booking_booking_index ON blackout_booking (booking);

-- A blackout covers all lanes of its environment. Whoever holds a time and whoever sets a blackout meet at the lock of
-- the site and at its rows in environment_lanes: the second one sees what the first one did, or fails.
CREATE FUNCTION refuse_hold_in_blackout() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    blocking bigint;
BEGIN
    PERFORM FROM environment_lanes WHERE environment = NEW.environment FOR SHARE;
    SELECT b.id INTO blocking
    FROM environment_lanes l JOIN blackout b ON b.environment = l.environment
    WHERE l.site = NEW.site AND l.lanes && NEW.lanes AND tstzrange(b.starts_at, b.ends_at) && NEW.during
      AND NOT EXISTS (
          SELECT FROM blackout_booking k JOIN booking o ON o.id = k.booking
          WHERE k.blackout = b.id AND k.booking = NEW.booking
            AND (k.starts_at, k.ends_at) = (o.starts_at, o.ends_at)
      )
    LIMIT 1;
    IF blocking IS NOT NULL THEN
        RAISE EXCEPTION 'booking % is in blackout %', NEW.booking, blocking
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'nothing_is_held_in_a_blackout',
                  DETAIL = blocking::text;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nothing_is_held_in_a_blackout BEFORE INSERT OR UPDATE ON booking_hold
    FOR EACH ROW EXECUTE FUNCTION refuse_hold_in_blackout();

CREATE FUNCTION blackout_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place environment_lanes;
BEGIN
    -- With an older snapshot it could overlook a booking that was there first, which would then lose its right to stay.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a blackout has to be set in a transaction that is read committed'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM lock_site(site_of(NEW.environment));
    SELECT * INTO STRICT place FROM environment_lanes WHERE environment = NEW.environment;
    UPDATE environment_lanes SET lanes = lanes WHERE site = place.site;
    INSERT INTO blackout_booking
        SELECT DISTINCT NEW.id, b.id, b.starts_at, b.ends_at FROM booking_hold h JOIN booking b ON b.id = h.booking
        WHERE int8range(h.site, h.site, '[]') && int8range(place.site, place.site, '[]')
          AND h.lanes && place.lanes AND h.during && tstzrange(NEW.starts_at, NEW.ends_at)
    ON CONFLICT (blackout, booking) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER blackout_notes_its_bookings AFTER INSERT OR UPDATE ON blackout
    FOR EACH ROW EXECUTE FUNCTION blackout_changed();

-- As before; and a booking that lets go of its time, or takes another, is no longer one that was there first.
CREATE OR REPLACE FUNCTION refresh_holds(the_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT DISTINCT l.site FROM booking_environment be
        JOIN environment_lanes l ON l.environment = be.environment WHERE be.booking = the_booking ORDER BY l.site
    LOOP
        PERFORM lock_site(wanted.site);
    END LOOP;
    DELETE FROM booking_hold WHERE booking = the_booking;
    DELETE FROM blackout_booking k WHERE k.booking = the_booking AND NOT EXISTS (
        SELECT FROM booking b WHERE b.id = the_booking AND booking_state_holds(b.state)
            AND (b.starts_at, b.ends_at) = (k.starts_at, k.ends_at)
    );
    IF EXISTS (SELECT FROM booking WHERE id = the_booking AND booking_state_holds(state)) THEN
        FOR wanted IN SELECT environment FROM booking_environment WHERE booking = the_booking ORDER BY environment LOOP
            PERFORM take_hold(the_booking, wanted.environment);
        END LOOP;
    END IF;
END $$;

-- As before; and a refusal names the bookings that do not fit and those that they clash with, in its detail.
CREATE OR REPLACE FUNCTION environment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_site bigint;
    sites bigint[] := '{}';
    bookings uuid[];
    environments bigint[];
    in_the_way uuid[] := '{}';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT site INTO the_site FROM environment_lanes WHERE environment = OLD.id;
        sites := sites || the_site;
        IF OLD.parent IS NOT NULL THEN
            sites := sites || site_of(OLD.parent);
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        sites := sites || site_of(NEW.id);
    END IF;
    SELECT array_agg(DISTINCT s ORDER BY s) INTO sites FROM unnest(sites) AS s WHERE s IS NOT NULL;
    FOREACH the_site IN ARRAY coalesce(sites, '{}') LOOP
        PERFORM lock_site(the_site);
    END LOOP;
    WITH gone AS (
        DELETE FROM booking_hold WHERE upper(during) > now() AND site = ANY (sites)
        RETURNING booking, environment, lower(during) AS starts
    )
    SELECT coalesce(array_agg(booking ORDER BY starts, booking), '{}'),
           coalesce(array_agg(environment ORDER BY starts, booking), '{}')
        INTO bookings, environments FROM gone;
    -- An environment that has become a part is no longer a site of its own.
    FOR the_site IN SELECT id FROM environment WHERE id = ANY (sites) AND parent IS NULL ORDER BY id LOOP
        PERFORM number_lanes(the_site, the_site, 0);
    END LOOP;
    FOR i IN 1..cardinality(bookings) LOOP
        BEGIN
            PERFORM take_hold(bookings[i], environments[i]);
        EXCEPTION WHEN exclusion_violation THEN
            in_the_way := in_the_way || bookings[i];
        END;
        EXIT WHEN cardinality(in_the_way) >= 100;
    END LOOP;
    IF cardinality(in_the_way) > 0 THEN
        SELECT array_agg(named.id) INTO in_the_way FROM (
            SELECT unnest(in_the_way) AS id
            UNION
            SELECT h.booking FROM booking b
            JOIN booking_environment be ON be.booking = b.id
            JOIN environment e ON e.id = be.environment
            JOIN environment_lanes l ON l.environment = e.id
            JOIN booking_hold h ON int8range(h.site, h.site, '[]') && int8range(l.site, l.site, '[]')
                AND h.lanes && l.lanes
                AND h.during && tstzrange(b.starts_at - make_interval(mins => e.buffer_before),
                                          b.ends_at + make_interval(mins => e.buffer_after))
            WHERE b.id = ANY (in_the_way)
        ) AS named;
        RAISE EXCEPTION 'bookings stand in the way of changing environment %', coalesce(NEW.id, OLD.id)
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'bookings_stand_in_the_way',
                  DETAIL = array_to_string(in_the_way, ',');
    END IF;
    RETURN NULL;
END $$;

-- As before; and in a blackout an environment takes no booking.
CREATE OR REPLACE FUNCTION busy_times(the_environment bigint, within tstzrange) RETURNS SETOF tstzrange
LANGUAGE sql STABLE AS $$
    WITH place AS (
        SELECT site, lanes,
               CASE WHEN EXISTS (SELECT FROM environment WHERE parent = the_environment) THEN 1
                    ELSE upper(lanes) - lower(lanes) END AS threshold
        FROM environment_lanes WHERE environment = the_environment
    ), held AS (
        SELECT h.during, upper(h.lanes * p.lanes) - lower(h.lanes * p.lanes) AS weight, p.threshold
        FROM place p JOIN booking_hold h
            ON int8range(h.site, h.site, '[]') && int8range(p.site, p.site, '[]')
            AND h.lanes && p.lanes AND h.during && within
        UNION ALL
        SELECT tstzrange(b.starts_at, b.ends_at), upper(l.lanes * p.lanes) - lower(l.lanes * p.lanes), p.threshold
        FROM place p JOIN environment_lanes l ON l.site = p.site AND l.lanes && p.lanes
        JOIN blackout b ON b.environment = l.environment AND tstzrange(b.starts_at, b.ends_at) && within
    ), steps AS (
        SELECT at, sum(sum(change)) OVER (ORDER BY at) AS load, lead(at) OVER (ORDER BY at) AS until, max(threshold) AS threshold
        FROM (
            SELECT lower(during) AS at, weight AS change, threshold FROM held
            UNION ALL SELECT upper(during), -weight, threshold FROM held
        ) AS changes GROUP BY at
    )
    SELECT unnest(range_agg(tstzrange(at, until))) FROM steps WHERE load >= threshold AND until IS NOT NULL
$$;
"""

BACKWARDS = r"""
DROP TRIGGER nothing_is_held_in_a_blackout ON booking_hold;
CREATE OR REPLACE FUNCTION refresh_holds(the_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT DISTINCT l.site FROM booking_environment be
        JOIN environment_lanes l ON l.environment = be.environment WHERE be.booking = the_booking ORDER BY l.site
    LOOP
        PERFORM lock_site(wanted.site);
    END LOOP;
    DELETE FROM booking_hold WHERE booking = the_booking;
    IF EXISTS (SELECT FROM booking WHERE id = the_booking AND booking_state_holds(state)) THEN
        FOR wanted IN SELECT environment FROM booking_environment WHERE booking = the_booking ORDER BY environment LOOP
            PERFORM take_hold(the_booking, wanted.environment);
        END LOOP;
    END IF;
END $$;
CREATE OR REPLACE FUNCTION environment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_site bigint;
    sites bigint[] := '{}';
    bookings uuid[];
    environments bigint[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT site INTO the_site FROM environment_lanes WHERE environment = OLD.id;
        sites := sites || the_site;
        IF OLD.parent IS NOT NULL THEN
            sites := sites || site_of(OLD.parent);
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        sites := sites || site_of(NEW.id);
    END IF;
    SELECT array_agg(DISTINCT s ORDER BY s) INTO sites FROM unnest(sites) AS s WHERE s IS NOT NULL;
    FOREACH the_site IN ARRAY coalesce(sites, '{}') LOOP
        PERFORM lock_site(the_site);
    END LOOP;
    WITH gone AS (
        DELETE FROM booking_hold WHERE upper(during) > now() AND site = ANY (sites)
        RETURNING booking, environment, lower(during) AS starts
    )
    SELECT coalesce(array_agg(booking ORDER BY starts, booking), '{}'),
           coalesce(array_agg(environment ORDER BY starts, booking), '{}')
        INTO bookings, environments FROM gone;
    -- An environment that has become a part is no longer a site of its own.
    FOR the_site IN SELECT id FROM environment WHERE id = ANY (sites) AND parent IS NULL ORDER BY id LOOP
        PERFORM number_lanes(the_site, the_site, 0);
    END LOOP;
    FOR i IN 1..cardinality(bookings) LOOP
        PERFORM take_hold(bookings[i], environments[i]);
    END LOOP;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION busy_times(the_environment bigint, within tstzrange) RETURNS SETOF tstzrange LANGUAGE sql STABLE AS $$
    WITH place AS (
        SELECT site, lanes,
               CASE WHEN EXISTS (SELECT FROM environment WHERE parent = the_environment) THEN 1
                    ELSE upper(lanes) - lower(lanes) END AS threshold
        FROM environment_lanes WHERE environment = the_environment
    ), held AS (
        SELECT h.during, upper(h.lanes * p.lanes) - lower(h.lanes * p.lanes) AS weight, p.threshold
        FROM place p JOIN booking_hold h
            ON int8range(h.site, h.site, '[]') && int8range(p.site, p.site, '[]')
            AND h.lanes && p.lanes AND h.during && within
    ), steps AS (
        SELECT at, sum(sum(change)) OVER (ORDER BY at) AS load, lead(at) OVER (ORDER BY at) AS until, max(threshold) AS threshold
        FROM (
            SELECT lower(during) AS at, weight AS change, threshold FROM held
            UNION ALL SELECT upper(during), -weight, threshold FROM held
        ) AS changes GROUP BY at
    )
    SELECT unnest(range_agg(tstzrange(at, until))) FROM steps WHERE load >= threshold AND until IS NOT NULL
$$;
DROP TRIGGER blackout_notes_its_bookings ON blackout;
DROP TRIGGER blackout_changes_are_logged ON blackout;
DROP INDEX blackout_environment_index;
DROP TABLE blackout_booking;
DROP FUNCTION blackout_changed();
DROP FUNCTION refuse_hold_in_blackout();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookings", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
