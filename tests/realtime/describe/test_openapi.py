"""/openapi.json is valid, and describes every route of the application."""

from pathlib import Path

from aiohttp import web
from openapi_spec_validator import validate

from cli.serve import compose
from cli.settings import Settings
from realtime.describe.openapi import openapi

_PAGES = {"/", "/c/{calendar}", "/staff", "/staff/server", "/docs", "/verify/{booking}"}


def test_the_openapi_document_is_valid() -> None:
    """/openapi.json is valid OpenAPI 3.1."""
    validate(openapi())


def test_etags_and_bodies_are_described() -> None:
    """A route with an ETag takes it back, and a route with a body has a 413."""
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
            tagged = ["ETag" in answer.get("headers", {}) for answer in operation["responses"].values()]
            assert any(tagged) == ("If-None-Match" in headers), (method, path)
            assert ("413" in operation["responses"]) == ("requestBody" in operation), (method, path)


async def test_every_route_is_described(tmp_path: Path) -> None:
    """The routes of the application and those of /openapi.json are the same, but for pages and Socket.IO."""
    settings = Settings(secret=b"0" * 32, database=f"sqlite:///{tmp_path / 'slotcast.db'}")
    service = settings.service()
    service.open()
    try:
        served = _served(await compose(settings, service=service, web_folder=tmp_path / "dist"))
    finally:
        service.close()
    described = {(method.upper(), path) for path, item in openapi()["paths"].items() for method in item}
    assert served == described


def _served(app: web.Application) -> set[tuple[str, str]]:
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    return {
        (method, path)
        for method, path in routes
        if method not in {"HEAD", "*", "OPTIONS"} and path not in _PAGES and not path.startswith("/socket.io")
    }
