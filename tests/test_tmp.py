from datetime import UTC, datetime
from registry.bookings import desk, service, competing, thread
from registry.bookings.desk import Wanted, Group
from registry.bookings.states import BookingState
from tests.factories_bookings import booking_in, request_for, scene

async def test_x():
    p = await scene()
    a = await service.create_booking(p.people["requester"], request_for(p.slug), submit=True)
    b = await service.create_booking(p.people["other_firm"], request_for(p.slug, hours_ahead=49), submit=True)
    await booking_in(p, BookingState.COMPLETED, hours_ahead=-5)
    for g in (None, *Group):
        rows = await desk.waiting(p.people["host"], Wanted(group=g), datetime.now(UTC), without_promise=5)
        print(rows)
    c = await desk.counts(p.people["host"], Wanted(), datetime.now(UTC), without_promise=5)
    print(c)
    print(await competing.competition(p.people["host"], a, datetime.now(UTC)))
    print(await desk.oldest_to_decide(p.people["host"], besides=a))
    await thread.send_message(p.people["requester"], a, "hej")
    await thread.add_note(p.people["host"], a, "hej")
    print(await thread.notes_for(p.people["host"], a))
    await service.move_booking(p.people["host"], a, "decline", reason="nej")
    print(await thread.list_messages(p.people["host"], a))
