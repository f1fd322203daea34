"""A file in memory whose pages many sockets send.

`write(2)` copies the bytes into the kernel once for every client. `sendfile(2)` lets all sockets refer to the same
pages, also while these wait for slow clients. Small messages gain nothing by it.
"""

import os
from typing import Final, Self

SHARED_BYTES: Final = 24_576  # from this size on sendfile takes less CPU: a tenth at 24 KB, a quarter at 40 KB
FEWEST_CLIENTS: Final = 8  # the file itself costs as much as some writes


class MemoryFile:
    """Bytes in a file in memory. Its end closes the file; sockets keep the pages that they have yet to send."""

    __slots__ = ("_fd", "_size")

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self._size = size

    @classmethod
    def of(cls, data: bytes) -> Self | None:
        """Return a file with the bytes; None where the system has no such files, or no more descriptors."""
        if not hasattr(os, "memfd_create"):  # only Linux has it
            return None
        try:
            file = cls(os.memfd_create("slotcast-packet"), len(data))
            is_whole = os.write(file._fd, data) == len(data)
        except OSError:
            return None
        return file if is_whole else None

    def send(self, fd: int, _data: bytes) -> int:
        """Send the bytes to a socket, as `os.write` does: return the number sent, or raise OSError."""
        return os.sendfile(fd, self._fd, 0, self._size)

    def __del__(self) -> None:
        os.close(self._fd)
