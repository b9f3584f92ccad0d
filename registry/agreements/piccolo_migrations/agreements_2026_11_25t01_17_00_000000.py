"""The review desk and signing: whoever wrote any version never approves, only whoever may signs, what is noted stays.

Locks: an index on agreement while it is built (a second for 100,000); a check that reads agreement_signature once;
triggers on empty tables and on agreement and agreement_signature.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-25T01:17:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the review desk and signing: guards"

FORWARDS = r"""
INSERT INTO checklist_item (type, text_sv, text_en) VALUES
    ('nda', 'Parterna är rätt angivna, med organisationsnummer.', 'The parties are named correctly, with their organisation numbers.'),
    ('nda', 'Sekretessens omfattning och tid är tydliga, och det som lagen kräver får lämnas ut.', 'What is secret and for how long is clear, and what the law demands may be handed out.'),
    ('test', 'Parterna är rätt angivna, med organisationsnummer.', 'The parties are named correctly, with their organisation numbers.'),
    ('test', 'Vem som äger resultaten och vem som får använda dem är reglerat.', 'Who owns the results, and who may use them, is regulated.'),
    ('test', 'Personuppgifter: ansvaret är klarlagt, och ett personuppgiftsbiträdesavtal finns om det behövs.', 'Personal data: who is responsible is clear, and there is a data-processing agreement where one is needed.'),
    ('test', 'Ansvar och försäkring passar till det som ska provas.', 'Liability and insurance fit what is to be tried.'),
    ('collaboration', 'Parterna och deras roller är rätt angivna.', 'The parties and their roles are named correctly.'),
    ('collaboration', 'Bakgrund och resultat: ägande och rätt att använda är reglerade.', 'Background and results: ownership and rights of use are regulated.'),
    ('collaboration', 'Publicering och sekretess går ihop med offentlighetsprincipen.', 'Publication and confidentiality agree with the principle of public access.'),
    ('collaboration', 'Reglerna om statligt stöd är prövade.', 'The rules on state aid have been looked at.'),
    ('framework', 'Vilka miljöer avtalet omfattar är tydligt.', 'Which environments the agreement covers is clear.'),
    ('framework', 'Tiden och sättet att säga upp avtalet är reglerade.', 'The term and the way to end the agreement are regulated.'),
    ('data_processing', 'Ändamål, kategorier av uppgifter och registrerade är angivna (dataskyddsförordningen artikel 28.3).', 'Purpose, categories of data and of people are stated (GDPR article 28.3).'),
    ('data_processing', 'Underbiträden och överföring utanför EES är reglerade.', 'Sub-processors and transfers outside the EEA are regulated.'),
    ('licence', 'Omfattning, område och tid för rätten är angivna.', 'Scope, territory and term of the right are stated.'),
    ('licence', 'Ersättningen är rimlig och följer marknadens villkor.', 'The remuneration is reasonable and on market terms.'),
    ('partnership_contract', 'Faser, mål och beslut om att gå vidare är reglerade.', 'Phases, targets and decisions to continue are regulated.'),
    ('partnership_contract', 'Prestandanivå och högsta kostnad för ett senare köp är angivna.', 'The performance level and the highest cost of a later purchase are stated.'),
    ('partnership_contract', 'Resultat och rättigheter per fas är reglerade.', 'Results and rights of each phase are regulated.');

CREATE FUNCTION refuse_retold_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.type, OLD.text_sv, OLD.text_en) <> (NEW.type, NEW.text_sv, NEW.text_en)
        OR OLD.retired_at IS NOT NULL THEN
        RAISE EXCEPTION 'what has been ticked keeps its text: retire item % and add another', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checklist_item_keeps_its_text BEFORE UPDATE OR DELETE ON checklist_item
    FOR EACH ROW EXECUTE FUNCTION refuse_retold_item();

-- Four eyes, on every path: who wrote any version of the agreement does not decide on it, even where somebody else
-- took it over or changed it later.
CREATE FUNCTION refuse_own_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM agreement_version v WHERE v.agreement = NEW.id AND v.created_by = NEW.decided_by) THEN
        RAISE EXCEPTION 'agreement % is decided on by somebody who wrote in it', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_is_decided_by_others AFTER UPDATE OF decided_by ON agreement
    FOR EACH ROW WHEN (NEW.decided_by IS NOT NULL) EXECUTE FUNCTION refuse_own_decision();

ALTER TABLE agreement_signature DROP CONSTRAINT method_is_known;
ALTER TABLE agreement_signature ADD CONSTRAINT method_is_known
    CHECK (method IN ('signed_in', 'recorded_copy', 'e_signature'));

-- A person signs for an organisation only with an authority that is recorded and holds on that day.
CREATE FUNCTION require_signing_authority() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM signing_authority g
        WHERE g.person = NEW.person
          AND (g.organisation = NEW.organisation OR g.organisation IS NULL AND EXISTS (
              SELECT FROM agreement_version v JOIN agreement_party p ON p.agreement = v.agreement
              WHERE v.id = NEW.version AND p.organisation = NEW.organisation AND p.role = 'region'
          ))
          AND (NEW.signed_at AT TIME ZONE 'Europe/Stockholm')::date
              BETWEEN g.valid_from AND coalesce(g.valid_until, 'infinity')
    ) THEN
        RAISE EXCEPTION 'person % may not sign for organisation %', NEW.person, NEW.organisation
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_signature_has_authority BEFORE INSERT ON agreement_signature
    FOR EACH ROW WHEN (NEW.method <> 'recorded_copy') EXECUTE FUNCTION require_signing_authority();

CREATE FUNCTION refuse_reopened_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'ordered'
        OR (OLD.version, OLD.organisation, OLD.person) <> (NEW.version, NEW.organisation, NEW.person) THEN
        RAISE EXCEPTION 'order % is closed or would be of something else', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signing_order_stays_closed BEFORE UPDATE OR DELETE ON signing_order
    FOR EACH ROW EXECUTE FUNCTION refuse_reopened_order();
CREATE UNIQUE INDEX signing_order_one_open ON signing_order (version, organisation) WHERE state = 'ordered';

CREATE INDEX agreement_review_index ON agreement ((coalesce(decided_at, submitted_at, created_at)), id)
    WHERE state IN ('in_review', 'changes_requested', 'approved');
CREATE INDEX checklist_tick_version_index ON checklist_tick (version, item, id);
CREATE INDEX clause_comment_version_index ON clause_comment (version, id);
CREATE TRIGGER checklist_tick_is_append_only BEFORE UPDATE OR DELETE ON checklist_tick
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checklist_tick_is_never_emptied BEFORE TRUNCATE ON checklist_tick
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER clause_comment_is_append_only BEFORE UPDATE OR DELETE ON clause_comment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER clause_comment_is_never_emptied BEFORE TRUNCATE ON clause_comment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER checklist_item_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON checklist_item
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER checklist_tick_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON checklist_tick
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER clause_comment_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON clause_comment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER agreement_reminder_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON agreement_reminder
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER signing_order_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON signing_order
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER checklist_item_keeps_its_text ON checklist_item;
DROP FUNCTION refuse_retold_item();
DROP TRIGGER agreement_is_decided_by_others ON agreement;
DROP FUNCTION refuse_own_decision();
DROP TRIGGER agreement_signature_has_authority ON agreement_signature;
DROP FUNCTION require_signing_authority();
DROP TRIGGER signing_order_stays_closed ON signing_order;
DROP FUNCTION refuse_reopened_order();
DROP INDEX signing_order_one_open;
DROP INDEX agreement_review_index;
DROP INDEX checklist_tick_version_index;
DROP INDEX clause_comment_version_index;
ALTER TABLE agreement_signature DROP CONSTRAINT method_is_known;
ALTER TABLE agreement_signature ADD CONSTRAINT method_is_known CHECK (method IN ('signed_in', 'recorded_copy'));
DROP TRIGGER checklist_tick_is_append_only ON checklist_tick;
DROP TRIGGER checklist_tick_is_never_emptied ON checklist_tick;
DROP TRIGGER clause_comment_is_append_only ON clause_comment;
DROP TRIGGER clause_comment_is_never_emptied ON clause_comment;
DROP TRIGGER checklist_item_changes_are_logged ON checklist_item;
DROP TRIGGER checklist_tick_changes_are_logged ON checklist_tick;
DROP TRIGGER clause_comment_changes_are_logged ON clause_comment;
DROP TRIGGER agreement_reminder_changes_are_logged ON agreement_reminder;
DROP TRIGGER signing_order_changes_are_logged ON signing_order;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="agreements", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
