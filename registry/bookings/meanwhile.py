"""Telling somebody who decides on a booking what another has done to it since they opened its page."""

from collections.abc import Mapping
from typing import Any

from registry import database
from registry.errors import N_, EditedMeanwhile, message

# By the action that was logged, what the second one is told that the first one did.
_DONE: Mapping[str, str] = {
    "submit": N_("%(name)s sent the request again %(when)s."),
    "approve": N_("%(name)s approved the request %(when)s."),
    "decline": N_("%(name)s declined the request %(when)s."),
    "request_changes": N_("%(name)s sent the request back with a question %(when)s."),
    "waitlist": N_("%(name)s put the request on the waiting list %(when)s."),
    "withdraw": N_("%(name)s withdrew the request %(when)s."),
    "cancel": N_("%(name)s cancelled the booking %(when)s."),
    "start": N_("%(name)s checked in %(when)s."),
    "no_show": N_("%(name)s recorded %(when)s that nobody came."),
    "complete": N_("%(name)s completed the booking %(when)s."),
    "outcome": N_("%(name)s recorded the outcome %(when)s."),
    "move": N_("%(name)s moved the booking %(when)s."),
    "accept_offer": N_("%(name)s accepted the time %(when)s."),
    "decline_offer": N_("%(name)s declined the time %(when)s."),
    "end_early": N_("%(name)s ended the test early %(when)s."),
}
_CHANGED = N_("%(name)s changed the booking %(when)s.")
_LATEST = """
SELECT a.at, p.name, a.data->>'action' AS action FROM audit_event a JOIN person p ON p.id = a.actor_id
WHERE a.subject_kind = 'booking' AND a.subject_id = $1
  AND a.type IN ('booking.state_changed', 'booking.changed', 'booking.moved')
ORDER BY a.id DESC LIMIT 1
"""


async def require_unchanged(row: Mapping[str, Any], seen: int | None) -> None:
    """Refuse to act on a booking that is no longer what the actor saw.

    `row` is the locked booking, `seen` its `sequence` as the actor's page had it (None: no page, nothing to compare).

    Raises:
        EditedMeanwhile: it has changed; the detail tells who did what, and that nothing of the new has been done.
    """
    if seen is None or row["sequence"] == seen:
        return
    latest = await database.fetch_one(_LATEST, str(row["id"]))
    if latest is None:
        raise EditedMeanwhile(
            message(
                N_("The booking has changed since you opened the page. Nothing has been done. Look at it as it is.")
            )
        )
    done = message(_DONE.get(latest["action"], _CHANGED), name=latest["name"], when=latest["at"])
    raise EditedMeanwhile(
        message(N_("%(done)s What you chose has not been done. Look at the booking as it is now."), done=done)
    )
