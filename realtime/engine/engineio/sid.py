"""Makes the ids of sessions: 120 random bits, in the 20 characters of the reference server's ids."""

import os
from base64 import urlsafe_b64encode
from typing import Final

_BYTES: Final = 15
_DRAWN: Final = 256  # ids at a time: a draw is a system call, and a connect needs two ids

_spare: list[bytes] = []
os.register_at_fork(after_in_child=_spare.clear)  # else two processes would give out the same ids


def new_sid() -> str:
    """Return a new id. Nobody can guess it: it is the only proof of a session."""
    if not _spare:
        drawn = os.urandom(_BYTES * _DRAWN)
        _spare.extend([drawn[place : place + _BYTES] for place in range(0, len(drawn), _BYTES)])
    return urlsafe_b64encode(_spare.pop()).decode()
