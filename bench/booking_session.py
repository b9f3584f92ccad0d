"""Opens a session for an account, as signing in does, and prints what its cookie has."""

import asyncio
import sys

from registry import database
from registry.accounts.queries import actor_of_email
from registry.accounts.service import open_session


async def _main(email: str) -> None:
    await database.engine().start_connection_pool(min_size=1, max_size=2)
    actor = await actor_of_email(email)
    if actor is None or actor.person_id is None:
        raise SystemExit(f"There is no account with the address {email}.")
    sys.stdout.write(await open_session(actor.person_id, hours=12))
    await database.engine().close_connection_pool()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
