"""The routes for operators: alive, ready, and the metrics."""

import aiohttp

from tests.support import Api, Server


async def test_health_readiness_and_metrics(served: Server, api: Api) -> None:
    """Each answers without a token; health may be read by any page."""
    health = await api.ask("GET", "/healthz", headers={"Origin": "https://elsewhere.example"})
    assert (health.status, health.body) == (200, {"status": "ok"})
    assert health.headers["Access-Control-Allow-Origin"] == "*"
    assert (await api.get("/readyz")) == {"status": "ready"}
    async with aiohttp.ClientSession() as http, http.get(f"{served.url}/metrics") as metrics:
        assert metrics.content_type == "text/plain"
        assert "slotcast_requests_total" in await metrics.text()
