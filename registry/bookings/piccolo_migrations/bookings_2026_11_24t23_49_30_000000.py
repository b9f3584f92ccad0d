"""Messages and notes stay as they were written, and the database tells which approvals go together.

Locks: triggers and indexes on new tables; the check of notice reads it once and keeps writers waiting meanwhile.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T23:49:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards of messages and notes, preview of approvals"

FORWARDS = r"""
-- One more event, whichever others there are by now.
DO $$
DECLARE
    known text;
BEGIN
    SELECT pg_get_expr(conbin, conrelid) INTO STRICT known FROM pg_constraint
        WHERE conrelid = 'notice'::regclass AND conname = 'event_is_known';
    ALTER TABLE notice DROP CONSTRAINT event_is_known;
    EXECUTE format('ALTER TABLE notice ADD CONSTRAINT event_is_known CHECK ((%s) OR event = ''message'')', known);
END $$;

CREATE INDEX booking_message_booking_index ON booking_message (booking, id);
CREATE INDEX booking_note_booking_index ON booking_note (booking, id);

-- The reasons that stand in bookings now begin their threads.
INSERT INTO booking_message (booking, author, side, state, text, created_at)
    SELECT id, decided_by, 'host', state, left(reason, 5000), coalesce(decided_at, changed_at) FROM booking
    WHERE state IN ('declined', 'changes_requested', 'waitlisted') AND btrim(reason) <> '' AND decided_by IS NOT NULL;

CREATE TRIGGER booking_message_is_append_only BEFORE UPDATE OR DELETE ON booking_message
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER booking_message_is_never_emptied BEFORE TRUNCATE ON booking_message
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER booking_message_changes_are_logged AFTER INSERT ON booking_message
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE TRIGGER booking_note_is_append_only BEFORE UPDATE OR DELETE ON booking_note
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER booking_note_is_never_emptied BEFORE TRUNCATE ON booking_note
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER booking_note_changes_are_logged AFTER INSERT ON booking_note
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER reply_template_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON reply_template
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();

-- The requests that wait for the same lanes of a site at the same time as a booking, buffers included: those that
-- may stand in each other's way. Whether they really do is what approval_preview says.
CREATE FUNCTION competing_bookings(the_booking uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT DISTINCT o.id
    FROM booking b
    JOIN booking_environment be ON be.booking = b.id
    JOIN environment e ON e.id = be.environment
    JOIN environment_lanes l ON l.environment = e.id
    JOIN environment_lanes ol ON ol.site = l.site AND ol.lanes && l.lanes
    JOIN environment oe ON oe.id = ol.environment
    JOIN booking_environment obe ON obe.environment = oe.id
    JOIN booking o ON o.id = obe.booking
    WHERE b.id = the_booking AND o.id <> b.id AND o.state IN ('submitted', 'waitlisted')
      AND tstzrange(o.starts_at - make_interval(mins => oe.buffer_before),
                    o.ends_at + make_interval(mins => oe.buffer_after))
       && tstzrange(b.starts_at - make_interval(mins => e.buffer_before),
                    b.ends_at + make_interval(mins => e.buffer_after))
$$;

-- What the guard would say if bookings were approved: first those to keep, one after the other in their order, then
-- each of those to try by itself beside what was kept. The holds are really taken and given back before this returns;
-- booking rows are not written. A preview gives up (lock_not_available) rather than keep a decision waiting or deadlock
-- with one: the guard's own waiting has no limit, and a deadlock is looked for after a second.
CREATE FUNCTION approval_preview(kept uuid[], tried uuid[]) RETURNS TABLE (booking uuid, fits boolean)
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    one uuid;
    the_site bigint;
    answers boolean[] := '{}';
BEGIN
    BEGIN
        FOR the_site IN
            SELECT DISTINCT l.site FROM booking_environment be JOIN environment_lanes l ON l.environment = be.environment
            WHERE be.booking = ANY (kept || tried) ORDER BY l.site
        LOOP
            PERFORM lock_site(the_site);
        END LOOP;
        FOREACH one IN ARRAY kept LOOP
            BEGIN
                PERFORM take_holds_of(one);
                answers := answers || true;
            EXCEPTION WHEN exclusion_violation THEN
                answers := answers || false;
            END;
        END LOOP;
        FOREACH one IN ARRAY tried LOOP
            BEGIN
                PERFORM take_holds_of(one);
                RAISE EXCEPTION 'it fits' USING ERRCODE = 'RG001';
            EXCEPTION
                WHEN exclusion_violation THEN answers := answers || false;
                WHEN SQLSTATE 'RG001' THEN answers := answers || true;
            END;
        END LOOP;
        RAISE EXCEPTION 'nothing of this stays' USING ERRCODE = 'RG001';
    EXCEPTION WHEN SQLSTATE 'RG001' THEN NULL;
    END;
    RETURN QUERY SELECT * FROM unnest(kept || tried, answers);
END $$;

-- The holds of a booking that does not hold its time yet; one that does has them already.
CREATE FUNCTION take_holds_of(the_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
BEGIN
    IF EXISTS (SELECT FROM booking_hold WHERE booking = the_booking) THEN
        RETURN;
    END IF;
    FOR wanted IN SELECT environment FROM booking_environment WHERE booking = the_booking ORDER BY environment LOOP
        PERFORM take_hold(the_booking, wanted);
    END LOOP;
END $$;
"""

BACKWARDS = r"""
DROP FUNCTION approval_preview(uuid[], uuid[]);
DROP FUNCTION take_holds_of(uuid);
DROP FUNCTION competing_bookings(uuid);
DROP TRIGGER reply_template_changes_are_logged ON reply_template;
DROP TRIGGER booking_note_changes_are_logged ON booking_note;
DROP TRIGGER booking_note_is_never_emptied ON booking_note;
DROP TRIGGER booking_note_is_append_only ON booking_note;
DROP TRIGGER booking_message_changes_are_logged ON booking_message;
DROP TRIGGER booking_message_is_never_emptied ON booking_message;
DROP TRIGGER booking_message_is_append_only ON booking_message;
DROP INDEX booking_note_booking_index;
DROP INDEX booking_message_booking_index;
DELETE FROM notice WHERE event = 'message';
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
