"""Which handler does which job, and what runs by the clock."""

from datetime import UTC, datetime

from registry.agreements.service import extract_left, follow_dates, handle_extract_job
from registry.bookings.service import handle_confirm_job, lapse_approvals
from registry.jobs.service import Job
from registry.jobs.worker import Handler, Schedule
from search.sync import handle_index_entry

JOB_HANDLERS: dict[Job, Handler] = {
    Job.INDEX_ENTRY: handle_index_entry,
    Job.CONFIRM_COVERED_BOOKINGS: handle_confirm_job,
    Job.EXTRACT_DOCUMENT: handle_extract_job,
}


async def _follow_dates() -> None:
    await follow_dates(datetime.now(UTC))


async def _lapse_approvals() -> None:
    await lapse_approvals(datetime.now(UTC))


SCHEDULES = [
    Schedule("follow_agreement_dates", "*/5 * * * *", _follow_dates),
    Schedule("lapse_approvals", "*/5 * * * *", _lapse_approvals),
    Schedule("extract_left_documents", "*/5 * * * *", extract_left),
]
