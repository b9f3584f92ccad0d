"""The database itself holds the time of approved bookings and refuses every clash. See docs/decisions/0004-booking-guard.md.

Locks: new tables and triggers; on a database in use, triggers on booking and environment wait for running writes.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:44:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards"

FORWARDS = r"""
-- Each environment owns a range of numbered lanes of its site (the topmost environment of its tree): a part
-- owns as many lanes as its capacity, the whole owns the lanes of all its parts.
CREATE TABLE environment_lanes (
    environment bigint PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
    site bigint NOT NULL,
    lanes int4range NOT NULL CHECK (NOT isempty(lanes))
);
CREATE INDEX environment_lanes_site_index ON environment_lanes (site);

-- The time that approved bookings hold, buffers included. Written by the functions below only.
CREATE TABLE booking_hold (
    booking uuid NOT NULL REFERENCES booking (id) ON DELETE CASCADE,
    environment bigint NOT NULL REFERENCES environment (id),
    site bigint NOT NULL,
    lanes int4range NOT NULL,
    during tstzrange NOT NULL CHECK (NOT isempty(during)),
    PRIMARY KEY (booking, environment),
    CONSTRAINT time_is_held_once EXCLUDE USING gist
        (int8range(site, site, '[]') WITH &&, lanes WITH &&, during WITH &&)
);

CREATE FUNCTION booking_state_holds(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT state IN ('approved', 'confirmed', 'in_progress')
$$;

-- Holds of one site are changed by one transaction at a time.
CREATE FUNCTION lock_site(site bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(5270, (site % 2147483647)::int)
$$;

CREATE FUNCTION site_of(the_environment bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    above bigint := the_environment;
    next_above bigint;
BEGIN
    FOR depth IN 1..20 LOOP
        SELECT parent INTO next_above FROM environment WHERE id = above;
        EXIT WHEN next_above IS NULL;
        above := next_above;
    END LOOP;
    IF next_above IS NOT NULL THEN
        RAISE EXCEPTION 'environment % is a part of itself, or nested too deep', the_environment
            USING ERRCODE = 'check_violation', CONSTRAINT = 'environments_form_a_tree';
    END IF;
    RETURN above;
END $$;

-- Numbers the lanes below one environment from `first` on and answers the next free number.
CREATE FUNCTION number_lanes(the_environment bigint, the_site bigint, first int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    part record;
    next_lane int := first;
BEGIN
    FOR part IN SELECT id FROM environment WHERE parent = the_environment ORDER BY id LOOP
        next_lane := number_lanes(part.id, the_site, next_lane);
    END LOOP;
    IF next_lane = first THEN
        next_lane := first + (SELECT capacity FROM environment WHERE id = the_environment);
    END IF;
    INSERT INTO environment_lanes VALUES (the_environment, the_site, int4range(first, next_lane))
        ON CONFLICT (environment) DO UPDATE SET site = EXCLUDED.site, lanes = EXCLUDED.lanes;
    RETURN next_lane;
END $$;

-- Inserts one hold into the lowest free lane. Where none is free the exclusion constraint refuses it.
CREATE FUNCTION insert_hold(the_booking uuid, the_environment bigint, the_site bigint, own int4range, is_whole boolean,
                            the_time tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    free int;
BEGIN
    IF NOT is_whole THEN
        SELECT min(lane) INTO free FROM generate_series(lower(own), upper(own) - 1) AS lane
        WHERE NOT EXISTS (
            SELECT FROM booking_hold AS held
            WHERE int8range(held.site, held.site, '[]') && int8range(the_site, the_site, '[]')
              AND held.lanes && int4range(lane, lane + 1) AND held.during && the_time
        );
        free := coalesce(free, lower(own));
        own := int4range(free, free + 1);
    END IF;
    INSERT INTO booking_hold VALUES (the_booking, the_environment, the_site, own, the_time);
END $$;

-- Takes the time of one booking in one environment. When capacity is left but every lane is cut up, the holds
-- around are dealt out anew by start time, which finds a place whenever there is one (interval graphs are perfect).
CREATE FUNCTION take_hold(the_booking uuid, the_environment bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place environment_lanes;
    is_whole boolean;
    the_time tstzrange;
    around tstzrange;
    wider tstzrange;
    bookings uuid[];
    times tstzrange[];
BEGIN
    SELECT * INTO STRICT place FROM environment_lanes WHERE environment = the_environment;
    SELECT EXISTS (SELECT FROM environment WHERE parent = the_environment) INTO is_whole;
    SELECT tstzrange(b.starts_at - make_interval(mins => e.buffer_before),
                     b.ends_at + make_interval(mins => e.buffer_after))
        INTO STRICT the_time FROM booking b, environment e WHERE b.id = the_booking AND e.id = the_environment;
    BEGIN
        PERFORM insert_hold(the_booking, the_environment, place.site, place.lanes, is_whole, the_time);
        RETURN;
    EXCEPTION WHEN exclusion_violation THEN
        IF is_whole OR upper(place.lanes) - lower(place.lanes) = 1 THEN
            RAISE;
        END IF;
    END;
    around := the_time;
    LOOP
        SELECT tstzrange(least(lower(around), min(lower(during))), greatest(upper(around), max(upper(during))))
            INTO wider FROM booking_hold WHERE environment = the_environment AND during && around;
        EXIT WHEN wider = around;
        around := wider;
    END LOOP;
    WITH gone AS (
        DELETE FROM booking_hold WHERE environment = the_environment AND during && around RETURNING booking, during
    ), dealt AS (
        SELECT booking, during FROM gone UNION ALL SELECT the_booking, the_time
    )
    SELECT array_agg(booking ORDER BY lower(during), booking), array_agg(during ORDER BY lower(during), booking)
        INTO bookings, times FROM dealt;
    FOR i IN 1..array_length(bookings, 1) LOOP
        PERFORM insert_hold(bookings[i], the_environment, place.site, place.lanes, is_whole, times[i]);
    END LOOP;
END $$;

-- Makes the holds of one booking what its state and times ask for.
CREATE FUNCTION refresh_holds(the_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
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

CREATE FUNCTION booking_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF booking_state_holds(NEW.state) THEN
            PERFORM refresh_holds(NEW.id);
        END IF;
    ELSIF booking_state_holds(OLD.state) <> booking_state_holds(NEW.state)
        OR (booking_state_holds(NEW.state)
            AND (OLD.starts_at, OLD.ends_at) IS DISTINCT FROM (NEW.starts_at, NEW.ends_at)) THEN
        PERFORM refresh_holds(NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER booking_holds_its_time AFTER INSERT OR UPDATE OF state, starts_at, ends_at ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_changed();

CREATE FUNCTION booking_environment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND EXISTS (SELECT FROM booking WHERE id = OLD.booking AND booking_state_holds(state)) THEN
        PERFORM refresh_holds(OLD.booking);
    END IF;
    IF TG_OP <> 'DELETE' AND EXISTS (SELECT FROM booking WHERE id = NEW.booking AND booking_state_holds(state)) THEN
        PERFORM refresh_holds(NEW.booking);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER booking_holds_its_environments AFTER INSERT OR UPDATE OR DELETE ON booking_environment
    FOR EACH ROW EXECUTE FUNCTION booking_environment_changed();

-- Nobody takes a hold away from a booking that needs it, by whatever path.
CREATE FUNCTION require_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM booking b
        JOIN booking_environment be ON be.booking = b.id
        JOIN environment e ON e.id = be.environment
        LEFT JOIN booking_hold h ON h.booking = b.id AND h.environment = e.id
            AND h.during = tstzrange(b.starts_at - make_interval(mins => e.buffer_before),
                                     b.ends_at + make_interval(mins => e.buffer_after))
        WHERE b.id = OLD.booking AND booking_state_holds(b.state) AND h.booking IS NULL
    ) THEN
        RAISE EXCEPTION 'booking % would lose the time that it holds', OLD.booking
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER holds_stay AFTER UPDATE OR DELETE ON booking_hold
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_holds();

-- When the tree, a capacity or a buffer changes, the site is numbered anew and the holds that have not passed
-- are taken again; a hold that no longer fits makes the change fail.
CREATE FUNCTION environment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER environment_keeps_its_holds
    AFTER INSERT OR DELETE OR UPDATE OF capacity, parent, buffer_before, buffer_after ON environment
    FOR EACH ROW EXECUTE FUNCTION environment_changed();

CREATE FUNCTION environment_has_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM environment whole WHERE whole.capacity > 1
            AND EXISTS (SELECT FROM environment part WHERE part.parent = whole.id)
            AND whole.id IN (NEW.id, NEW.parent)
    ) THEN
        RAISE EXCEPTION 'an environment with parts is booked as a whole: its capacity is 1'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_whole_has_capacity_one';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_whole_has_capacity_one AFTER INSERT OR UPDATE OF capacity, parent ON environment
    FOR EACH ROW EXECUTE FUNCTION environment_has_parts();

-- The times within a window in which an environment takes no further booking, as the holds say.
CREATE FUNCTION busy_times(the_environment bigint, within tstzrange) RETURNS SETOF tstzrange LANGUAGE sql STABLE AS $$
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

CREATE INDEX booking_requester_index ON booking (requester);
CREATE INDEX booking_organisation_index ON booking (organisation);
CREATE INDEX booking_state_starts_at_index ON booking (state, starts_at);
CREATE INDEX booking_environment_environment_index ON booking_environment (environment);
CREATE CONSTRAINT TRIGGER booking_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON booking
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER booking_environment_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON booking_environment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
SELECT number_lanes(id, id, 0) FROM environment WHERE parent IS NULL;
"""

BACKWARDS = r"""
DROP TRIGGER booking_changes_are_logged ON booking;
DROP TRIGGER booking_environment_changes_are_logged ON booking_environment;
DROP INDEX booking_requester_index;
DROP INDEX booking_organisation_index;
DROP INDEX booking_state_starts_at_index;
DROP INDEX booking_environment_environment_index;
DROP FUNCTION busy_times(bigint, tstzrange);
DROP TRIGGER a_whole_has_capacity_one ON environment;
DROP TRIGGER environment_keeps_its_holds ON environment;
DROP TRIGGER holds_stay ON booking_hold;
DROP TRIGGER booking_holds_its_environments ON booking_environment;
DROP TRIGGER booking_holds_its_time ON booking;
DROP FUNCTION environment_has_parts();
DROP FUNCTION environment_changed();
DROP FUNCTION require_holds();
DROP FUNCTION booking_environment_changed();
DROP FUNCTION booking_changed();
DROP FUNCTION refresh_holds(uuid);
DROP FUNCTION take_hold(uuid, bigint);
DROP FUNCTION insert_hold(uuid, bigint, bigint, int4range, boolean, tstzrange);
DROP FUNCTION number_lanes(bigint, bigint, int);
DROP FUNCTION site_of(bigint);
DROP FUNCTION lock_site(bigint);
DROP FUNCTION booking_state_holds(text);
DROP TABLE booking_hold;
DROP TABLE environment_lanes;
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
