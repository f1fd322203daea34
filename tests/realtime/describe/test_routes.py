"""The routes of the server's own description."""

import json

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi
from realtime.describe.routes import routes


async def test_any_page_may_read_the_descriptions() -> None:
    """They are the same for everybody, and may be kept for five minutes."""
    app = web.Application()
    app.add_routes(routes())
    async with TestClient(TestServer(app)) as client:
        for path, describe in (("/openapi.json", openapi), ("/asyncapi.json", asyncapi)):
            answer = await client.get(path)
            assert await answer.json() == json.loads(json.dumps(describe()))
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Cache-Control"] == "public, max-age=300"
