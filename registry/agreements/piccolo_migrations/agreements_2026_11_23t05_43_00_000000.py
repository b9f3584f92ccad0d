"""IP terms have known codes only, versions and documents never change, signatures are whole, changes are logged.

Locks: constraints on empty tables; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:43:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards"

FORWARDS = r"""
ALTER TABLE ip_term ADD CONSTRAINT codes_are_known CHECK (
    code IS NULL OR (field || ':' || code) IN (
        'background_listed:yes', 'background_listed:no', 'background_owner:each_own',
        'background_owner:region', 'background_owner:counterparty', 'background_use_during:free',
        'background_use_during:on_request', 'background_use_during:none', 'background_use_after:free',
        'background_use_after:fair_terms', 'background_use_after:none', 'results_ownership:buyer',
        'results_ownership:supplier', 'results_ownership:each_own', 'results_ownership:joint',
        'results_ownership:inventor', 'region_rights:assignment', 'region_rights:exclusive',
        'region_rights:non_exclusive', 'region_rights:use_only', 'region_rights:none',
        'region_purpose:own_operations', 'region_purpose:public_sector', 'region_purpose:any',
        'region_territory:sweden', 'region_territory:eu', 'region_territory:worldwide',
        'region_sublicensing:other_regions', 'region_sublicensing:none', 'region_sublicensing:free',
        'region_modify:yes', 'region_modify:no', 'region_source_code:source_code',
        'region_source_code:escrow', 'region_source_code:none', 'commercialisation:allowed',
        'commercialisation:with_consent', 'commercialisation:not_allowed', 'commercial_return:none',
        'commercial_return:royalty', 'commercial_return:price_reduction', 'march_in:yes', 'march_in:no',
        'sideground_owner:region', 'sideground_owner:counterparty', 'sideground_owner:each_own',
        'sideground_owner:joint', 'improvements_owner:region', 'improvements_owner:counterparty',
        'improvements_owner:each_own', 'improvements_owner:joint', 'data_owner:region',
        'data_owner:counterparty', 'data_owner:each_own', 'data_owner:joint', 'data_access:during_test',
        'data_access:during_and_after', 'data_access:none', 'data_portability:yes', 'data_portability:no',
        'personal_data:none', 'personal_data:region_controller', 'personal_data:counterparty_controller',
        'personal_data:joint_controllers', 'publication:allowed', 'publication:after_review',
        'publication:with_consent', 'publication:not_allowed', 'patent_filing:region',
        'patent_filing:counterparty', 'patent_filing:owner', 'patent_filing:joint', 'patent_costs:region',
        'patent_costs:counterparty', 'patent_costs:owner', 'patent_costs:shared', 'liability:capped',
        'liability:unlimited', 'liability:excluded', 'warranty:as_is', 'warranty:limited', 'warranty:full',
        'termination_effect:rights_end', 'termination_effect:rights_remain',
        'employee_inventions:lau_applies', 'employee_inventions:teacher_exemption',
        'employee_inventions:assignment', 'assignment_obtained:yes', 'assignment_obtained:no'
    )
);
ALTER TABLE ip_term ADD CONSTRAINT numbers_are_of_number_fields CHECK (
    number IS NULL OR field IN (
        'results_share_percent', 'region_term_months', 'commercial_deadline_months',
        'publication_review_days', 'publication_delay_days', 'confidentiality_months', 'survival_months'
    )
);
ALTER TABLE ip_term ADD CONSTRAINT texts_are_of_text_fields CHECK (
    text IS NULL OR field IN ('region_field', 'open_source_licence')
);
ALTER TABLE ip_term ADD CONSTRAINT fields_are_known CHECK (
    field IN (
        'background_listed', 'background_owner', 'background_use_during', 'background_use_after',
        'results_ownership', 'results_share_percent', 'region_rights', 'region_purpose', 'region_field',
        'region_territory', 'region_term_months', 'region_sublicensing', 'region_modify',
        'region_source_code', 'commercialisation', 'commercial_return', 'commercial_deadline_months',
        'march_in', 'sideground_owner', 'improvements_owner', 'data_owner', 'data_access', 'data_portability',
        'personal_data', 'publication', 'publication_review_days', 'publication_delay_days',
        'confidentiality_months', 'patent_filing', 'patent_costs', 'open_source_licence', 'liability',
        'warranty', 'survival_months', 'termination_effect', 'employee_inventions', 'assignment_obtained'
    )
);
CREATE INDEX ip_term_code_index ON ip_term (field, code);
CREATE INDEX offer_template_index ON offer (template);
CREATE INDEX agreement_state_type_index ON agreement (state, type);
CREATE INDEX agreement_valid_until_index ON agreement (valid_until);
CREATE INDEX agreement_party_organisation_index ON agreement_party (organisation);
CREATE INDEX agreement_entry_entry_index ON agreement_entry (entry);
CREATE INDEX document_version_index ON document (version);
CREATE INDEX agreement_signature_organisation_index ON agreement_signature (organisation);
-- A signature holds the hash of the very version that was signed.
ALTER TABLE agreement_version ADD CONSTRAINT agreement_version_hash_key UNIQUE (id, sha256);
ALTER TABLE agreement_signature ADD CONSTRAINT signature_is_of_the_version
    FOREIGN KEY (version, sha256) REFERENCES agreement_version (id, sha256);

CREATE FUNCTION require_every_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM agreement_party WHERE agreement = NEW.id) OR EXISTS (
        SELECT FROM agreement_party p WHERE p.agreement = NEW.id AND NOT EXISTS (
            SELECT FROM agreement_signature s
            WHERE s.organisation = p.organisation AND s.version = (
                SELECT v.id FROM agreement_version v WHERE v.agreement = NEW.id ORDER BY v.number DESC LIMIT 1
            )
        )
    ) THEN
        RAISE EXCEPTION 'agreement % has not been signed by every party', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER agreement_is_signed_by_all AFTER INSERT OR UPDATE OF state ON agreement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state IN ('signed', 'in_force')) EXECUTE FUNCTION require_every_signature();

CREATE TRIGGER ip_terms_is_append_only BEFORE UPDATE OR DELETE ON ip_terms
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ip_terms_is_never_emptied BEFORE TRUNCATE ON ip_terms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ip_term_is_append_only BEFORE UPDATE OR DELETE ON ip_term
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ip_term_is_never_emptied BEFORE TRUNCATE ON ip_term
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER template_version_is_append_only BEFORE UPDATE OR DELETE ON template_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER template_version_is_never_emptied BEFORE TRUNCATE ON template_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER agreement_version_is_append_only BEFORE UPDATE OR DELETE ON agreement_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER agreement_version_is_never_emptied BEFORE TRUNCATE ON agreement_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER agreement_signature_is_append_only BEFORE UPDATE OR DELETE ON agreement_signature
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER agreement_signature_is_never_emptied BEFORE TRUNCATE ON agreement_signature
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_is_append_only BEFORE UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_is_never_emptied BEFORE TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER template_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON template
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER template_version_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON template_version
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER offer_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON offer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER agreement_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON agreement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER agreement_party_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON agreement_party
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER agreement_entry_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON agreement_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER agreement_version_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON agreement_version
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER agreement_signature_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON agreement_signature
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER document_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON document
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER agreement_is_signed_by_all ON agreement;
DROP FUNCTION require_every_signature();
ALTER TABLE agreement_signature DROP CONSTRAINT signature_is_of_the_version;
ALTER TABLE agreement_version DROP CONSTRAINT agreement_version_hash_key;
DROP TRIGGER template_changes_are_logged ON template;
DROP TRIGGER template_version_changes_are_logged ON template_version;
DROP TRIGGER offer_changes_are_logged ON offer;
DROP TRIGGER agreement_changes_are_logged ON agreement;
DROP TRIGGER agreement_party_changes_are_logged ON agreement_party;
DROP TRIGGER agreement_entry_changes_are_logged ON agreement_entry;
DROP TRIGGER agreement_version_changes_are_logged ON agreement_version;
DROP TRIGGER agreement_signature_changes_are_logged ON agreement_signature;
DROP TRIGGER document_changes_are_logged ON document;
DROP TRIGGER ip_terms_is_append_only ON ip_terms;
DROP TRIGGER ip_terms_is_never_emptied ON ip_terms;
DROP TRIGGER ip_term_is_append_only ON ip_term;
DROP TRIGGER ip_term_is_never_emptied ON ip_term;
DROP TRIGGER template_version_is_append_only ON template_version;
DROP TRIGGER template_version_is_never_emptied ON template_version;
DROP TRIGGER agreement_version_is_append_only ON agreement_version;
DROP TRIGGER agreement_version_is_never_emptied ON agreement_version;
DROP TRIGGER agreement_signature_is_append_only ON agreement_signature;
DROP TRIGGER agreement_signature_is_never_emptied ON agreement_signature;
DROP TRIGGER document_is_append_only ON document;
DROP TRIGGER document_is_never_emptied ON document;
DROP INDEX offer_template_index;
DROP INDEX agreement_state_type_index;
DROP INDEX agreement_valid_until_index;
DROP INDEX agreement_party_organisation_index;
DROP INDEX agreement_entry_entry_index;
DROP INDEX document_version_index;
DROP INDEX agreement_signature_organisation_index;
DROP INDEX ip_term_code_index;
ALTER TABLE ip_term DROP CONSTRAINT codes_are_known, DROP CONSTRAINT numbers_are_of_number_fields,
    DROP CONSTRAINT texts_are_of_text_fields, DROP CONSTRAINT fields_are_known;
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
