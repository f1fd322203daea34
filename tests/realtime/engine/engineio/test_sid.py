"""The ids of sessions: nobody can guess one, and no two are the same."""

import os
import re

from realtime.engine.engineio import sid
from realtime.engine.engineio.sid import new_sid


def test_ids_have_the_form_of_the_reference_server() -> None:
    """An id has 20 characters of base64url, and a thousand ids differ."""
    ids = [new_sid() for _ in range(1_000)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}", one) for one in ids)
    assert len(set(ids)) == len(ids)


def test_a_fork_draws_ids_of_its_own() -> None:
    """The worker processes of a server are forks: none gives out an id that another one has drawn."""
    new_sid()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, new_sid().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    drawn = {new_sid() for _ in range(len(sid._spare) + 1)}
    assert len(theirs) == 20
    assert theirs not in drawn
