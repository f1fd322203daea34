"""The queue of a writer: commands in order, none after the end, none without an answer, and none that is too old."""

from models.contract.commands.background import ExpireHolds
from models.contract.commands.bookings import BookSlot, CancelBooking, Person
from models.contract.commands.command import Command
from models.contract.commands.holds import HeldSeat, HoldSlot, ReleaseHold
from models.contract.errors import Overloaded
from models.contract.principal import OPERATOR
from models.writing.command_queue import CommandQueue, Outcome, QueuedCommand

_EXPIRE = ExpireHolds(calendar="c")
_HOLD = HoldSlot(slot="s")
_BOOK = BookSlot(slot="s", customer=Person(name="Ada"))
_CONFIRM = BookSlot(slot="s", customer=Person(name="Ada"), hold=HeldSeat(id="h", token="t"))
_RELEASE = ReleaseHold(hold="h", token="t")
_CANCEL = CancelBooking(booking="b", token="t")


def _queued(answers: list[Outcome], command: Command = _EXPIRE, arrived: float | None = None) -> QueuedCommand:
    return QueuedCommand(command, answers.append, {}, arrived=arrived)


def _commands(taken: list[QueuedCommand]) -> list[Command]:
    return [one.command for one in taken]


def test_a_batch_takes_what_waits() -> None:
    """The reader gets the commands in order, and no more than it asks for."""
    queue, commands = CommandQueue(), [_queued([]) for _ in range(3)]
    for command in commands:
        queue.put(command)
    assert len(queue) == queue.taken == 3
    first = queue.next(2)
    assert first.is_open
    assert all(one is other for one, other in zip(first.asked, commands, strict=False))
    rest = queue.next(2)
    assert rest.asked[0] is commands[2]
    assert rest.is_open
    assert queue.next(2, timeout=0.001) == ([], [], True)


def test_a_closed_queue_gives_the_rest_and_refuses_others() -> None:
    """Commands before the end reach the reader. A later one is answered at once, and is not counted."""
    queue, answers = CommandQueue(), list[Outcome]()
    queue.put(_queued([]))
    queue.close()
    queue.close()
    queue.put(_queued(answers))
    assert [type(answer) for answer in answers] == [Overloaded]
    assert queue.taken == 1
    taken = queue.next(50)
    assert len(taken.asked) == 1
    assert not taken.is_open


def test_a_command_that_has_waited_too_long_is_late() -> None:
    """At the longest wait a client's command is late, one millisecond before it is not; the server's own never is."""
    now = 100.0
    queue = CommandQueue(None, 0.25, lambda: now)
    own, old, fresh = _queued([], _CANCEL), _queued([], _CANCEL, 100.0), _queued([], _CANCEL, 100.001)
    for one in (own, old, fresh):
        queue.put(one)
    now = 100.25
    assert queue.next(50) == ([own, fresh], [old], True)
    queue = CommandQueue(None, 0.0, lambda: now)
    queue.put(old)
    now = 1_000.0
    assert queue.next(50).asked == [old]


def test_a_late_command_takes_no_place_in_the_batch() -> None:
    """A batch is full of commands that run, and the queue counts each late one once."""
    queue = CommandQueue(None, 0.25, lambda: 10.0)
    for arrived in (9.0, 9.9, 9.1, 9.95):
        queue.put(_queued([], _HOLD, arrived))
    taken = queue.next(2)
    assert [one.arrived for one in taken.asked] == [9.9, 9.95]
    assert [one.arrived for one in taken.late] == [9.0, 9.1]
    assert len(queue) == 0


def test_claims_of_free_seats_wait_behind_the_others() -> None:
    """A booking of held seats, a cancel and a release go before new holds, and each lane keeps its order."""
    queue = CommandQueue()
    for command in (_HOLD, _CONFIRM, _BOOK, _CANCEL, _RELEASE):
        queue.put(_queued([], command, 1.0))
    assert _commands(queue.next(2).asked) == [_CONFIRM, _CANCEL]
    assert _commands(queue.next(2).asked) == [_RELEASE, _HOLD]
    queue.close()
    last = queue.next(2)
    assert _commands(last.asked) == [_BOOK]
    assert not last.is_open


def test_staffs_commands_keep_their_order() -> None:
    """A booking by staff does not wait behind a later command of theirs."""
    queue = CommandQueue()
    staff = BookSlot(slot="s", customer=Person(name="Ada"), principal=OPERATOR)
    for command in (_HOLD, staff, _CANCEL):
        queue.put(_queued([], command))
    assert _commands(queue.next(9).asked) == [staff, _CANCEL, _HOLD]


def test_a_batch_takes_more_of_its_calendars() -> None:
    """In order, up to a number; what stays is overtaken by no command of the same calendar."""
    queue = CommandQueue()
    calendars = [{"a"}, {"b"}, {"a", "c"}, {"a"}, {"b"}, {"b"}, set[str]()]
    waiting = [
        QueuedCommand(_CANCEL, list[Outcome]().append, {("calendar", name): name for name in some}, arrived=place)
        for place, some in enumerate(calendars)
    ]
    for one in waiting:
        queue.put(one)
    taken = queue.more(lambda one: bool(one.calendars) and one.calendars <= {"a", "b"}, 3)
    assert [one.arrived for one in taken] == [0, 1, 4], "the fourth would overtake the third"
    assert [one.arrived for one in queue.next(9).asked] == [2, 3, 5, 6]
    assert queue.more(lambda _: True, 3) == []
    queue.close()
    assert queue.more(lambda _: True, 3) == []
    assert not queue.next(9).is_open


def test_a_late_command_joins_no_batch() -> None:
    """It is refused in its turn, and no other one of its calendar overtakes it."""
    queue = CommandQueue(None, 0.25, lambda: 10.0)
    for place, arrived in enumerate((9.0, 9.9, 9.95)):
        name = "a" if place < 2 else "b"
        queue.put(QueuedCommand(_CANCEL, list[Outcome]().append, {("calendar", name): name}, arrived=arrived))
    assert [one.arrived for one in queue.more(lambda _: True, 9)] == [9.95]
    taken = queue.next(9)
    assert [one.arrived for one in taken.late] == [9.0]
    assert [one.arrived for one in taken.asked] == [9.9]
