"""The cache of encoded answers has a bound in bytes."""

from realtime.reads.byte_cache import ByteCache


def test_a_cache_has_a_bound_in_bytes() -> None:
    """The least recently used answer is dropped; one larger than the whole cache is not kept."""
    cache: ByteCache[str] = ByteCache(10_000)
    for name in "abc":
        cache.put(name, name, 2_000)
    assert cache.get("a") == "a"
    cache.put("d", "d", 2_000)
    assert [cache.get(name) for name in "abcd"] == ["a", None, "c", "d"]
    cache.put("d", "larger", 20_000)
    assert cache.get("d") is None
    assert cache.size_bytes == 6_000
