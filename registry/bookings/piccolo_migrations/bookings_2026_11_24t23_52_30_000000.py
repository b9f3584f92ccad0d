"""An offer of time that became free holds it, in the same table as every other hold. See docs/decisions/0012-waitlist.md.

Locks: functions and a trigger on booking are replaced, which waits for running writes for a moment; an index on
booking; a check that reads notice once; triggers on empty tables.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T23:52:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "steps_guards"

FORWARDS = r"""
-- A request that waits, or has been sent, holds its time while `hold_until` is set: it has been offered the time.
CREATE OR REPLACE FUNCTION booking_holds(state text, hold_until timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT booking_state_holds(state) OR (state IN ('waitlisted', 'submitted') AND hold_until IS NOT NULL)
$$;

-- As before, with offers.
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
        SELECT FROM booking b WHERE b.id = the_booking AND booking_holds(b.state, b.hold_until)
            AND (b.starts_at, b.ends_at) = (k.starts_at, k.ends_at)
    );
    IF EXISTS (SELECT FROM booking b WHERE b.id = the_booking AND booking_holds(b.state, b.hold_until)) THEN
        FOR wanted IN SELECT environment FROM booking_environment WHERE booking = the_booking ORDER BY environment LOOP
            PERFORM take_hold(the_booking, wanted.environment);
        END LOOP;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION booking_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF booking_holds(NEW.state, NEW.hold_until) THEN
            PERFORM refresh_holds(NEW.id);
        END IF;
    ELSIF booking_holds(OLD.state, OLD.hold_until) <> booking_holds(NEW.state, NEW.hold_until)
        OR (booking_holds(NEW.state, NEW.hold_until)
            AND (OLD.starts_at, OLD.ends_at) IS DISTINCT FROM (NEW.starts_at, NEW.ends_at)) THEN
        PERFORM refresh_holds(NEW.id);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER booking_holds_its_time ON booking;
CREATE TRIGGER booking_holds_its_time AFTER INSERT OR UPDATE OF state, hold_until, starts_at, ends_at ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_changed();

CREATE OR REPLACE FUNCTION booking_environment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT'
        AND EXISTS (SELECT FROM booking b WHERE b.id = OLD.booking AND booking_holds(b.state, b.hold_until)) THEN
        PERFORM refresh_holds(OLD.booking);
    END IF;
    IF TG_OP <> 'DELETE'
        AND EXISTS (SELECT FROM booking b WHERE b.id = NEW.booking AND booking_holds(b.state, b.hold_until)) THEN
        PERFORM refresh_holds(NEW.booking);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION require_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM booking b
        JOIN booking_environment be ON be.booking = b.id
        JOIN environment e ON e.id = be.environment
        LEFT JOIN booking_hold h ON h.booking = b.id AND h.environment = e.id
            AND h.during = tstzrange(b.starts_at - make_interval(mins => e.buffer_before),
                                     b.ends_at + make_interval(mins => e.buffer_after))
        WHERE b.id = OLD.booking AND booking_holds(b.state, b.hold_until) AND h.booking IS NULL
    ) THEN
        RAISE EXCEPTION 'booking % would lose the time that it holds', OLD.booking
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE INDEX booking_waiting_index ON booking (submitted_at, id) WHERE state = 'waitlisted';
CREATE UNIQUE INDEX move_request_one_open ON move_request (booking) WHERE state = 'asked';
CREATE INDEX move_request_booking_index ON move_request (booking, id);
CREATE CONSTRAINT TRIGGER move_request_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON move_request
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER outcome_effect_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON outcome_effect
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER outcome_publication_changes_are_logged
    AFTER INSERT OR UPDATE OR DELETE ON outcome_publication
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();

ALTER TABLE notice DROP CONSTRAINT event_is_known;
ALTER TABLE notice ADD CONSTRAINT event_is_known CHECK (event IN (
    'submitted', 'changes_requested', 'waitlisted', 'declined', 'approved', 'confirmed', 'cancelled', 'withdrawn',
    'no_show', 'completed', 'outcome_recorded', 'lapses_soon', 'lapsed', 'tomorrow', 'moved', 'handed_over',
    'agreement_lost', 'agreement_ends', 'agreement_back', 'ip_opened', 'ip_decided', 'offered', 'offer_lapsed',
    'wait_ended', 'offer_accepted', 'move_asked', 'move_refused', 'outcome_proposed', 'outcome_agreed',
    'outcome_published', 'outcome_removed', 'message'
));
-- A booking can be moved away from the same time twice.
DROP INDEX notice_once_about_a_moment;
CREATE UNIQUE INDEX notice_once_about_a_moment ON notice (person, booking, event, part, about)
    WHERE about IS NOT NULL AND event <> 'moved';
"""

BACKWARDS = r"""
DELETE FROM notice WHERE event IN ('offered', 'offer_lapsed', 'wait_ended', 'offer_accepted', 'move_asked', 'move_refused',
    'outcome_proposed', 'outcome_agreed', 'outcome_published', 'outcome_removed');
DELETE FROM notice n USING notice o WHERE n.event = 'moved' AND o.event = 'moved' AND n.id > o.id
    AND (n.person, n.booking, n.part, n.about) = (o.person, o.booking, o.part, o.about);
DROP INDEX notice_once_about_a_moment;
CREATE UNIQUE INDEX notice_once_about_a_moment ON notice (person, booking, event, part, about) WHERE about IS NOT NULL;
ALTER TABLE notice DROP CONSTRAINT event_is_known;
ALTER TABLE notice ADD CONSTRAINT event_is_known CHECK (event IN (
    'submitted', 'changes_requested', 'waitlisted', 'declined', 'approved', 'confirmed', 'cancelled', 'withdrawn',
    'no_show', 'completed', 'outcome_recorded', 'lapses_soon', 'lapsed', 'tomorrow', 'moved', 'handed_over',
    'agreement_lost', 'agreement_ends', 'agreement_back', 'ip_opened', 'ip_decided'
));
DROP TRIGGER outcome_publication_changes_are_logged ON outcome_publication;
DROP TRIGGER outcome_effect_changes_are_logged ON outcome_effect;
DROP TRIGGER move_request_changes_are_logged ON move_request;
DROP INDEX move_request_booking_index;
DROP INDEX move_request_one_open;
DROP INDEX booking_waiting_index;
-- What was held by offers is given back before the functions forget them.
INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('booking.changed', 'booking', 'offers end');
UPDATE booking SET hold_until = NULL WHERE state IN ('waitlisted', 'submitted') AND hold_until IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
DROP TRIGGER booking_holds_its_time ON booking;
CREATE TRIGGER booking_holds_its_time AFTER INSERT OR UPDATE OF state, starts_at, ends_at ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_changed();
CREATE OR REPLACE FUNCTION booking_holds(state text, hold_until timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT booking_state_holds(state)
$$;
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
