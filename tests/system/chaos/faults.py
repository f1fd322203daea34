"""The faults: each one happens, and then everything it took away comes back."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle, islice

from tests.support import eventually
from tests.system.chaos.cluster import Cluster, Member

WRONG_SECONDS = 300
_PATIENCE_SECONDS = 150.0  # until three servers are ready at once, beside all clients


Fault = Callable[[], Awaitable[None]]
Named = tuple[str, Fault]


def _named(fault: Fault) -> Named:
    return fault.__name__.replace("_", " "), fault


class Faults:
    """Faults of one cluster. One server at least stays untouched."""

    def __init__(self, cluster: Cluster, seed: int, *, longest_freeze_seconds: float) -> None:
        self._cluster = cluster
        self._dice = random.Random(seed)
        self._longest_freeze_seconds = longest_freeze_seconds
        self._victims: set[Member] = set()
        self._postgres, self._redis = asyncio.Lock(), asyncio.Lock()  # two faults of one program take turns

    def rounds(self, count: int, at_once: int) -> list[list[Named]]:
        """Return so many faults in a random order, in rounds of so many at once. Each kind is as often as in the list.

        A restart in turn is alone, and one of twenty faults.
        """
        kinds = [
            self.kill_a_server, self.freeze_a_server, self.terminate_connections, self.stop_redis,
            self.restart_postgres, self.set_a_clock, self.crash_postgres, self.freeze_redis,
        ]  # fmt: skip
        if any(member.workers for member in self._cluster.members):
            kinds.append(self.kill_a_worker)
        restarts = max(1, count // 20)
        planned = [_named(fault) for fault in islice(cycle(kinds), count - restarts)]
        self._dice.shuffle(planned)
        rounds = [planned[place : place + at_once] for place in range(0, len(planned), at_once)]
        rounds += [[_named(self.restart_in_turn)]] * restarts
        self._dice.shuffle(rounds)
        return rounds

    async def kill_a_server(self) -> None:
        async with self._victim() as victim:
            await asyncio.to_thread(victim.kill9)
            await asyncio.to_thread(victim.start)

    async def kill_a_worker(self) -> None:
        async with self._victim(lambda member: bool(member.workers)) as victim:
            os.kill(self._dice.choice(victim.workers), signal.SIGKILL)

    async def freeze_a_server(self) -> None:
        async with self._victim() as victim:
            victim.freeze()
            await asyncio.sleep(self._dice.uniform(0.5, self._longest_freeze_seconds))  # the fault
            victim.thaw()

    async def set_a_clock(self) -> None:
        """One server's clock is five minutes off, until it gets no requests any more.

        It restarts before and afterwards, as a clock that can be set is expensive.
        """
        victim = self._cluster.members[-1]
        async with self._victim(lambda member: member is victim):
            await asyncio.to_thread(victim.use_clock, is_settable=True)
            await eventually(lambda: victim in self._cluster.up(), _PATIENCE_SECONDS, "the server again")
            victim.set_clock(self._dice.choice([WRONG_SECONDS, -WRONG_SECONDS]))
            await eventually(lambda: victim not in self._cluster.up(), _PATIENCE_SECONDS, "a server out of use")
            await asyncio.to_thread(victim.use_clock, is_settable=False)

    async def terminate_connections(self) -> None:
        async with self._postgres:
            await asyncio.to_thread(
                self._cluster.postgres.execute,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
            )

    async def restart_postgres(self) -> None:
        async with self._postgres:
            await asyncio.to_thread(self._cluster.postgres.restart, "fast")

    async def crash_postgres(self) -> None:
        async with self._postgres:
            await asyncio.to_thread(self._cluster.postgres.restart, "immediate")

    async def stop_redis(self) -> None:
        async with self._redis:
            await asyncio.to_thread(self._cluster.redis.kill9)
            await asyncio.sleep(self._dice.uniform(0, 2))  # the fault
            await asyncio.to_thread(self._cluster.redis.start)

    async def freeze_redis(self) -> None:
        async with self._redis:
            self._cluster.redis.freeze()
            await asyncio.sleep(self._dice.uniform(0, 2))  # the fault
            self._cluster.redis.thaw()

    async def restart_in_turn(self) -> None:
        """Stop each server in good order and start it again, one after the other, as an upgrade does."""
        for member in self._cluster.members:
            await eventually(self._all_up, _PATIENCE_SECONDS, "all servers behind the proxy")
            await asyncio.to_thread(member.restart)
        await eventually(self._all_up, _PATIENCE_SECONDS, "all servers behind the proxy")

    def _all_up(self) -> bool:
        return self._cluster.up() == self._cluster.members

    @asynccontextmanager
    async def _victim(self, fits: Callable[[Member], bool] = lambda _: True) -> AsyncIterator[Member]:
        """Choose a server that fits, once another one gets requests too."""

        def choose() -> Member | None:
            up = [member for member in self._cluster.up() if member not in self._victims]
            fitting = list(filter(fits, up))
            return self._dice.choice(fitting) if len(up) > 1 and fitting else None

        victim = await eventually(choose, _PATIENCE_SECONDS, "a server to lose")
        assert victim is not None
        self._victims.add(victim)
        try:
            yield victim
        finally:
            self._victims.remove(victim)
