"""The tuned garbage collector."""

import gc

from realtime.engine import tune_collector


def test_the_collector_is_tuned() -> None:
    """The collector never walks the objects of the start again."""
    thresholds = gc.get_threshold()
    try:
        tune_collector()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] >= 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
