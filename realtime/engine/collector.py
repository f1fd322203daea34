"""Tunes the garbage collector for thousands of live connections."""

import gc
from typing import Final

_YOUNG: Final = 50_000
_MIDDLE: Final = 20
_OLD: Final = 100


def tune_collector() -> None:
    """Exclude all live objects from later collections and collect less often.

    Call it once, after the application is built. By default every 700 new objects start a collection. It walks
    the live connections and takes half the time of a connect. The engine makes no reference cycle that outlives
    a connection, so reference counting frees its objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
