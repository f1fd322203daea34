"""An edge reads whole calendars of its core, and passes its refusals on."""

import pytest

from models.contract.errors import NotFound, Overloaded
from models.contract.values.time import DAY, HOUR, write_time
from realtime.edge.upstream import Upstream
from realtime.rooms.opening import FAR
from tests.realtime.edge.test_following import CALENDAR, STAFF
from tests.support import Api, Server, free_port

SLOTS = 2_200  # more than one snapshot has
AT_ONCE = 200


async def test_a_large_calendar_is_read_in_pages(core: Server) -> None:
    """A room has all slots of its calendar, each once, at one cursor."""
    upstream = Upstream(core.url)
    first = (upstream.clock() // DAY + 1) * DAY
    async with Api(core.url, STAFF) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        for begin in range(0, SLOTS, AT_ONCE):
            starts = [first + place * HOUR for place in range(begin, begin + AT_ONCE)]
            slots = [{"start": write_time(start), "end": write_time(start + 2 * HOUR)} for start in starts]
            await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots)
    found = upstream.snapshot(CALENDAR, upstream.clock() - DAY, FAR)
    assert (found.seq, found.info.id) == (SLOTS // AT_ONCE, CALENDAR)
    assert list(found.slots.starts) == [first + place * HOUR for place in range(SLOTS)]
    assert upstream.head(CALENDAR).cursor == found.cursor
    with pytest.raises(NotFound):
        upstream.snapshot("elsewhere", 0, FAR)
    upstream.close_thread_connection()


def test_a_core_that_does_not_answer() -> None:
    """The refusal says that the client may try again."""
    upstream = Upstream(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Overloaded):
        upstream.head(CALENDAR)
    assert not upstream.is_reached
