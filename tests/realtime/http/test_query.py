"""A query has the parameters of its route: what is not one of them is refused, as an unknown field is."""

from collections.abc import AsyncIterator, Iterator

import pytest

from realtime.http.routes import COMMANDS, READS
from tests.support import Api, Server

ROUTES = sorted({(one.method, one.path) for one in COMMANDS} | {(one.method, one.path) for one in READS})
SLOT = "01977420-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with its demo calendar."""
    with Server(tmp_path_factory.mktemp("query"), "--rate", "0") as server:
        yield server


@pytest.fixture
async def api(served: Server) -> AsyncIterator[Api]:
    """Ask as staff."""
    async with Api(served.url, served.command("token", "--scope", "staff").strip()) as api:
        yield api


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_an_unknown_parameter_is_refused_on_every_route(api: Api, method: str, path: str) -> None:
    """The refusal names it, and nothing is done."""
    name = SLOT if "/calendars" not in path else "demo"
    answer = await api.ask(method, f"{path.replace('{id}', name)}?frm=2027-01-01", {})
    assert (answer.status, answer.code) == (400, "bad_request")
    assert answer.body["details"] == {"field": "frm"}


async def test_a_parameter_comes_once(api: Api) -> None:
    """Two values of one parameter leave no clear meaning."""
    answer = await api.ask("GET", "/api/calendars/demo/slots?from=2027-01-01T00:00:00Z&from=2028-01-01T00:00:00Z")
    assert (answer.status, answer.body["details"]) == (400, {"field": "from"})


async def test_a_page_takes_the_parameters_of_others(api: Api) -> None:
    """A link to it may have been through a newsletter."""
    for path in ("/", "/c/demo", "/staff"):
        assert (await api.ask("GET", f"{path}?utm_source=letter&utm_source=x")).status in {200, 503}


async def test_preview_is_1_or_0(api: Api) -> None:
    """Nothing else is taken for one of them."""
    hours = {"schedule": {"windows": [], "slot_minutes": 30, "from": "2027-01-01"}}
    for text, status in (("1", 200), ("true", 200), ("yes", 400), ("2", 400)):
        assert (await api.ask("PUT", f"/api/calendars/demo/schedule?preview={text}", hours)).status == status
