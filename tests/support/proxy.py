"""A TCP proxy that treats connections as bad networks do."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any, Literal, Self

from tests.support.port import free_port

_CHUNK = 65_536
_REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Stands before a server at `url`, from `__enter__` to `__exit__`.

    It runs on a thread and event loop of its own, so synchronous and asynchronous tests can use
    it alike. Each method has taken effect when it returns.
    """

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server_port = server_port
        self._websocket: Literal["pass", "refuse", "swallow"] = "pass"
        self._is_refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def connections(self) -> int:
        """Return the number of connected clients."""
        return len(self._tasks)

    def cut(self) -> None:
        """Reset every connection there is; new ones are let through."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Reset every connection there is, and each new one at once, until `restore`."""
        self._is_refusing = True
        self.cut()

    def blackhole(self) -> None:
        """Let nothing through in either direction, and close nothing, until `restore`."""
        self._loop.call_soon_threadsafe(self._flowing.clear)
        self._do(asyncio.sleep(0))

    def mute(self) -> None:
        """Let every request through and no answer, until `restore`; a connection cut meanwhile gets none."""
        self._loop.call_soon_threadsafe(self._answering.clear)
        self._do(asyncio.sleep(0))

    def block_websocket(self, how: Literal["refuse", "swallow"] = "refuse") -> None:
        """Answer each WebSocket upgrade with 400, or with silence; plain HTTP passes."""
        self._websocket = how

    def restore(self) -> None:
        """Be a good network again: let everything through."""
        self._is_refusing = False
        self._websocket = "pass"
        self._loop.call_soon_threadsafe(self._flowing.set)
        self._loop.call_soon_threadsafe(self._answering.set)
        self._do(asyncio.sleep(0))

    def __enter__(self) -> Self:
        self._thread.start()
        self._listener = self._do(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _close(self) -> None:
        self._listener.close()
        await self._cut()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            _reset(writer)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self._is_refusing:
                _reset(writer)
            else:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            writer.close()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers.add(upstream_writer)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump_requests(reader, upstream_writer, writer))
                pumps.create_task(self._pump(upstream_reader, writer))
        except* OSError:
            _reset(writer)
        finally:
            upstream_writer.close()
            self._writers.discard(upstream_writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._flowing.wait()
            await self._answering.wait()
            writer.write(chunk)
            await writer.drain()
        await self._flowing.wait()
        writer.close()

    async def _pump_requests(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._flowing.wait()
            if self._websocket != "pass" and b"\r\nupgrade: websocket" in chunk.lower():
                if self._websocket == "swallow":
                    continue
                client.write(_REFUSED)
                break
            upstream.write(chunk)
            await upstream.drain()
        await self._flowing.wait()
        upstream.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a broken network does, not with an orderly FIN."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
