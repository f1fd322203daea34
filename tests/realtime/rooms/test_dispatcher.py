"""A database put back under open rooms: two histories are never told as one, whichever has got further."""

from pathlib import Path

import msgspec
import pytest

from models.contract.commands import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService
from tests.realtime.stack import Ear, House
from tests.support import backup, eventually


@pytest.mark.parametrize("own", [0, 1, 4], ids="then {} of its own".format)
@pytest.mark.parametrize("others", [0, 1, 3, 6], ids="{} more in the copy".format)
async def test_a_copy_put_back(others: int, own: int, house: House, tmp_path: Path) -> None:
    """Whoever watches is cut off before it is told anything of the copy, and finds what the copy has."""
    ear = Ear()
    _, joined = await house.join(ear)
    first = joined.room.replica.seq
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    backup.copy(house.sync.url, copy)
    for _ in range(3):
        await house.dispatcher.settled("room", await house.change())
    other = SlotService(copy, house.sync.secret)
    other.open()
    for number in range(others):
        other.run(UpdateSlot(principal=OPERATOR, slot=house.slot, data=b"[%d]" % number))
    other.close()
    backup.copy(copy, house.sync.url)
    for _ in range(own):
        await house.change()
    new_rows = await house.service.read(house.dispatcher.look)
    if new_rows is not None:
        house.dispatcher.take(new_rows)
    await eventually(lambda: not ear.is_open)
    assert ear.seqs == [first + 1, first + 2, first + 3]
    late = Ear()
    _, again = await house.join(late, after=joined.room.replica.cursor)
    told = msgspec.json.decode(b"{" + again.body)
    fresh = house.sync.snapshot("room", 0, 1 << 60)
    assert (again.mode, told["seq"], told["cursor"]) == ("snapshot", first + others + own, fresh.cursor)
    assert told["slots"] == [msgspec.json.decode(slot.body) for slot in fresh.slots]
    seq = await house.change()
    await house.dispatcher.settled("room", seq)
    assert late.seqs == [seq]
