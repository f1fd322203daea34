"""The queue of a writer: commands in order, none after the end, and none without an answer."""

from models.contract.commands.background import ExpireHolds
from models.contract.errors import Overloaded
from models.writing.command_queue import CommandQueue, Outcome, QueuedCommand


def _queued(answers: list[Outcome]) -> QueuedCommand:
    return QueuedCommand(ExpireHolds(calendar="c"), answers.append, {})


def test_a_batch_takes_what_waits() -> None:
    """The reader gets the commands in order, and no more than it asks for."""
    queue, commands = CommandQueue(), [_queued([]) for _ in range(3)]
    for command in commands:
        queue.put(command)
    assert len(queue) == queue.taken == 3
    first, is_open = queue.next(2)
    assert is_open
    assert all(one is other for one, other in zip(first, commands, strict=False))
    rest, is_open = queue.next(2)
    assert rest[0] is commands[2]
    assert is_open
    assert queue.next(2, timeout=0.001) == ([], True)


def test_a_closed_queue_gives_the_rest_and_refuses_others() -> None:
    """Commands before the end reach the reader. A later one is answered at once, and is not counted."""
    queue, answers = CommandQueue(), list[Outcome]()
    queue.put(_queued([]))
    queue.close()
    queue.close()
    queue.put(_queued(answers))
    assert [type(answer) for answer in answers] == [Overloaded]
    assert queue.taken == 1
    taken, is_open = queue.next(50)
    assert len(taken) == 1
    assert not is_open
