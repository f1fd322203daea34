"""The mailbox keeps a polling client's packets in order until its next poll."""

import asyncio

from realtime.engine.engineio.mailbox import Mailbox


def test_packets_are_taken_in_order_and_in_parts() -> None:
    """The rest waits for the next poll, and its bytes count."""
    mailbox = Mailbox()
    for text in (b"4a", b"4b\x1e4c", b"4d"):
        mailbox.put(text)
    assert (mailbox.take(2), mailbox.queued_bytes) == (b"4a\x1e4b", 5)
    assert (mailbox.take(), mailbox.queued_bytes, mailbox.take()) == (b"4c\x1e4d", 0, b"")


async def test_a_poll_waits_for_a_packet_or_the_end() -> None:
    """The last packet is for the waiting poll."""
    mailbox = Mailbox()
    polling = asyncio.create_task(mailbox.wait())
    await asyncio.sleep(0)
    assert not polling.done()
    mailbox.end(b"1")
    await polling
    assert mailbox.take() == b"1"
    await mailbox.wait()  # an ended session lets no poll wait
