"""Which handler does which job, and what runs by the clock."""

from datetime import UTC, datetime

from registry.agreements.service import extract_left, follow_dates, handle_extract_job
from registry.bookings.notices import remind_of_tomorrow, remove_old_notices, warn_of_lapses
from registry.bookings.rechecks import handle_recheck_job, look_ahead, recheck_agreements
from registry.bookings.service import handle_confirm_job, lapse_approvals, lapse_waits
from registry.bookings.waitlist import handle_offer_job
from registry.idempotency.service import remove_old_keys
from registry.jobs.service import Job
from registry.jobs.worker import Handler, Schedule
from registry.mail.service import handle_send_mail, remove_old_mails
from registry.web.agreement_mails import remind_of_ends
from registry.web.notice_mails import handle_send_notices, send_daily, send_gathered
from search.alerts import handle_match, handle_tell, tell_daily
from search.statistics import remove_old
from search.sync import handle_index_entry, handle_vocabulary_changed, refresh_free_weeks
from search.upkeep import keep_up_for_ever

JOB_HANDLERS: dict[Job, Handler] = {
    Job.INDEX_ENTRY: handle_index_entry,
    Job.VOCABULARY_CHANGED: handle_vocabulary_changed,
    Job.CONFIRM_COVERED_BOOKINGS: handle_confirm_job,
    Job.SEND_MAIL: handle_send_mail,
    Job.MATCH_SAVED_SEARCHES: handle_match,
    Job.TELL_SAVED_SEARCH: handle_tell,
    Job.EXTRACT_DOCUMENT: handle_extract_job,
    Job.SEND_NOTICES: handle_send_notices,
    Job.RECHECK_AGREEMENTS: handle_recheck_job,
    Job.OFFER_FREE_TIME: handle_offer_job,
}


async def _follow_dates() -> None:
    await follow_dates(datetime.now(UTC))


async def _lapse_approvals() -> None:
    await lapse_approvals(datetime.now(UTC))


async def _lapse_waits() -> None:
    await lapse_waits(datetime.now(UTC))


async def _look_ahead() -> None:
    await warn_of_lapses(datetime.now(UTC))
    await remind_of_tomorrow(datetime.now(UTC))


async def _recheck_agreements() -> None:
    await recheck_agreements(datetime.now(UTC))
    await look_ahead(datetime.now(UTC))


async def _remind_of_ends() -> None:
    await remind_of_ends(datetime.now(UTC))


async def _send_gathered() -> None:
    await send_gathered(datetime.now(UTC))


async def _send_daily() -> None:
    await send_daily(datetime.now(UTC))


async def _remove_old_mails() -> None:
    await remove_old_mails(datetime.now(UTC))
    await remove_old_notices(datetime.now(UTC))


async def _remove_old_keys() -> None:
    await remove_old_keys(datetime.now(UTC))


async def _tell_daily() -> None:
    await tell_daily(datetime.now(UTC))


SCHEDULES = [
    Schedule("follow_agreement_dates", "*/5 * * * *", _follow_dates),
    Schedule("lapse_approvals", "*/5 * * * *", _lapse_approvals),
    Schedule("lapse_waits", "* * * * *", _lapse_waits),
    Schedule("look_ahead_at_bookings", "*/10 * * * *", _look_ahead),
    # After midnight in Stockholm, when agreements have expired.
    Schedule("recheck_agreements", "40 23 * * *", _recheck_agreements),
    Schedule("remind_of_agreement_ends", "20 6 * * *", _remind_of_ends),
    Schedule("send_gathered_notices", "* * * * *", _send_gathered),
    # 8 in Stockholm is 6 in UTC in summer and 7 in winter; the handler knows which.
    Schedule("send_daily_notices", "0 6,7 * * *", _send_daily),
    # Lead times run out and weeks begin without any change in the database.
    Schedule("refresh_free_weeks", "3 * * * *", refresh_free_weeks),
    Schedule("remove_old_search_statistics", "17 3 * * *", remove_old),
    Schedule("remove_old_mails", "40 2 * * *", _remove_old_mails),
    Schedule("remove_old_idempotency_keys", "25 * * * *", _remove_old_keys),
    Schedule("tell_saved_searches", "0 6,7 * * 1-5", _tell_daily),
    Schedule("extract_left_documents", "*/5 * * * *", extract_left),
]

# What goes on beside the jobs for as long as the worker runs.
BESIDE = [keep_up_for_ever]
