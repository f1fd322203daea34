"""Durations in their buckets."""

from models.contract.values.histogram import BUCKETS, Histogram


def test_each_time_falls_into_one_bucket() -> None:
    """A time on a bound belongs below it, and a time above all bounds to the last bucket."""
    histogram = Histogram()
    durations = [*BUCKETS, 60.0]
    for seconds in durations:
        histogram.observe(seconds)
    assert histogram.counts == [1] * (len(BUCKETS) + 1)
    assert histogram.cumulative[0] == ("0.001", 1.0)
    assert histogram.cumulative[-1] == ("+Inf", len(BUCKETS) + 1.0)
    assert histogram.sum == sum(durations)
