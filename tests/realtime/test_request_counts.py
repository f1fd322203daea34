"""The counts of answers: by name and code, and a histogram of seconds."""

import pytest

from realtime.request_counts import BUCKETS, RequestCounts


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0, 0), (BUCKETS[0], 0), (BUCKETS[0] + 1e-9, 1), (10, len(BUCKETS) - 1), (11, len(BUCKETS))]
)
def test_an_answer_is_in_the_first_bucket_that_holds_it(seconds: float, bucket: int) -> None:
    """A bucket's bound is its own largest value; the last bucket has no bound."""
    counts = RequestCounts()
    counts.count("slot.book", "ok", seconds)
    assert [index for index, count in enumerate(counts.buckets) if count] == [bucket]
    assert counts.seconds == seconds


def test_answers_count_by_name_and_code() -> None:
    """One request with two outcomes has two counts."""
    counts = RequestCounts()
    for code in ("ok", "ok", "slot_unavailable"):
        counts.count("slot.book", code, 0.1)
    assert counts.answers == {("slot.book", "ok"): 2, ("slot.book", "slot_unavailable"): 1}
