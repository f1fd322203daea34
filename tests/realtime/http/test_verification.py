"""`GET /api/challenge`: each challenge is another one, in no cache, and counts as a request."""

from tests.support import Api


async def test_challenges_are_fresh(api: Api) -> None:
    """The difficulty is the setting's default, and nothing may keep the answer."""
    first, second = [await api.ask("GET", "/api/challenge") for _ in range(2)]
    assert first.headers["Cache-Control"] == "no-store"
    assert first.body["maxnumber"] == 50_000
    assert first.body["challenge"] != second.body["challenge"]
