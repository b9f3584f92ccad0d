"""How much it matters that a term differs from the template, field by field; legal decides."""

from collections.abc import Mapping

from registry import database
from registry.access import Actor, Permission, require
from registry.agreements.codes import TERM_FIELDS, USUAL_SEVERITIES, Severity
from registry.audit.service import EventType, record
from registry.errors import N_, invalid


async def severities() -> dict[str, Severity]:
    """The severity of every field, in the order of `TERM_FIELDS`."""
    rows = await database.fetch("SELECT field, severity FROM term_severity")
    decided = {row["field"]: Severity(row["severity"]) for row in rows}
    return {name: decided.get(name) or USUAL_SEVERITIES.get(name, Severity.MEDIUM) for name in TERM_FIELDS}


async def set_severities(actor: Actor, wanted: Mapping[str, Severity]) -> list[str]:
    """Decide on the severity of some fields; returns the fields that changed.

    Raises:
        NotPermitted: only legal decides. InvalidInput: there is no such field.
    """
    require(actor, Permission.AGREEMENT_REVIEW)
    if unknown := sorted(wanted.keys() - TERM_FIELDS.keys()):
        raise invalid(unknown[0], N_("There is no term with this name."))
    async with database.transaction():
        await database.fetch("LOCK TABLE term_severity IN SHARE ROW EXCLUSIVE MODE")
        before = await severities()
        changed = {name: severity for name, severity in wanted.items() if before[name] != severity}
        if changed:
            await database.fetch(
                "INSERT INTO term_severity (field, severity) SELECT * FROM unnest($1::text[], $2::text[])"
                " ON CONFLICT (field) DO UPDATE SET severity = excluded.severity",
                list(changed),
                [severity.value for severity in changed.values()],
            )
            await record(actor, EventType.SEVERITIES_CHANGED, "all", changed)
    return list(changed)
