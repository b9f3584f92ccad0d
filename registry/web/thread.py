"""What both sides of a booking have written, and the hosts' notes, as its pages show them."""

from dataclasses import dataclass
from uuid import UUID

from registry.access import Actor
from registry.bookings import thread
from registry.bookings.thread import Note, ThreadMessage
from registry.web.input import Input, LongText


class MessageForm(Input):
    """A message or a note."""

    text: LongText = ""


@dataclass(frozen=True)
class Thread:
    """`notes` are None for who may not read them; `typed` is what is in the field to write in."""

    messages: list[ThreadMessage]
    notes: list[Note] | None
    typed: str = ""
    most: int = thread.SHOWN


async def thread_of(actor: Actor, booking_id: UUID, *, typed: str = "") -> Thread:
    """The thread of a booking.

    Raises:
        NotSignedIn; NotFound: the actor may not see the booking.
    """
    notes = await thread.notes_for(actor, booking_id)
    return Thread(await thread.latest_messages(booking_id), notes, typed)
