"""Every request of a role, tried by every role: generated from the declarations of the requests."""

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

import pytest

from models.contract.principal import Role
from models.contract.requests import REQUESTS
from tests.support import STAFF, Api, Client
from tests.support.example import World, add_other_calendars, make_world
from tests.support.route import HTTP_ONLY, SOCKET_ONLY
from tests.system.both_transports import over_http, over_socket
from tests.system.conftest import Place
from tests.system.known_secret import serve, sign

PASSWORD = "a password of the tests"
OF_ROLES = sorted(name for name, kind in REQUESTS.items() if kind.wire.role > Role.GUEST)
OF_ALL = "server.read"  # for owners of all calendars; tests/system/page/test_staff_server asks as one
REFUSALS = {"unauthorized", "forbidden"}


class Caller(NamedTuple):
    """A principal: its role in the calendar of the test, its token or cookie, and its refusal."""

    name: str
    role: Role
    token: str
    headers: dict[str, str]
    refusal: str = "forbidden"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server whose secret the tests know."""
    yield from serve(tmp_path_factory.mktemp("roles"))


async def sign_in(place: Place, name: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the headers of a page of the server that has signed in."""
    async with Api(place.url) as api:
        answer = await api.ask("POST", "/api/session", {"name": name, "password": password})
        assert answer.status == 201, answer
        cookie = SimpleCookie(answer.headers["Set-Cookie"])
    (pair,) = (f"{one.key}={one.value}" for one in cookie.values())
    return {"Cookie": pair, "Origin": place.url}


async def _callers(place: Place, calendar: str) -> list[Caller]:
    """Return a token and an account of each role in the calendar, and of all roles in another one."""
    callers = [Caller("nobody", Role.GUEST, "", {}, "unauthorized")]
    async with Api(place.url, sign(scope="owner", calendars="*")) as owner:
        for role, calendars in (
            (Role.GUEST, [calendar]),
            (Role.VIEWER, [calendar]),
            (Role.STAFF, [calendar]),
            (Role.OWNER, [calendar]),
            (Role.OWNER, ["elsewhere"]),
        ):
            scope, name = role.name.lower(), f"{role.name} of {calendars[0]}"
            own = role if calendars == [calendar] else Role.GUEST
            token = sign(scope=scope, calendars=calendars)
            callers.append(Caller(f"token: {name}", own, token, {}))
            if role > Role.GUEST:
                roles = {calendars[0]: scope, "nowhere": "viewer"} if role is Role.STAFF else {calendars[0]: scope}
                made = await owner.ask("POST", "/api/accounts", {"name": name, "password": PASSWORD, "roles": roles})
                assert made.status == 201, made
                callers.append(Caller(f"account: {name}", own, "", await sign_in(place, name)))
    return callers


async def test_every_request_with_every_role(place: Place, api: Api) -> None:
    """A request is refused to lower roles on each transport, and passes the check of roles with the declared one."""
    world = await make_world(api, "mine", place.staff)
    await add_other_calendars(api, world)
    wrong: list[Any] = []
    for caller in await _callers(place, world.calendar):
        client = Client(place.url, token=caller.token, headers=caller.headers)
        async with Api(place.url, caller.token, caller.headers) as http, client:
            for name in OF_ROLES:
                said = await _tried(http, client, world, name)
                may = caller.role >= REQUESTS[name].wire.role and name != OF_ALL
                # Somewhere it has the role: the things that this caller names are of another calendar, or of none.
                codes = {code if code in REFUSALS else "passed" for code in said.values()}
                if may != (codes == {"passed"}) and not _is_elsewhere(caller, name, said):
                    wrong.append((caller.name, name, said))
                if not may and codes != {"passed"} and not codes <= {caller.refusal}:
                    wrong.append((caller.name, name, said))
    assert not wrong, wrong


def _is_elsewhere(caller: Caller, name: str, said: dict[str, str]) -> bool:
    """Say if a request about no calendar of its own passes with the role in another one, and finds nothing there."""
    has_calendar = "calendar" in REQUESTS[name].__struct_fields__ and name not in {"booking.list", "customer.erase"}
    is_owner = "elsewhere" in caller.name
    is_about_nothing = REQUESTS[name].wire.is_http_only or name in {"booking.list", "customer.erase", "block.remove"}
    return is_owner and is_about_nothing and not has_calendar and set(said.values()) <= {"ok", "not_found", "forbidden"}


async def _tried(http: Api, client: Client, world: World, name: str) -> dict[str, str]:
    """Return the code of the request over each transport that it has."""
    fields = world.request(name) | ({"id": world.calendar} if name == "calendar.create" else {})
    said = {}
    if name not in SOCKET_ONLY or name in HTTP_ONLY:
        said["http"] = (await over_http(http, name, fields)).code
    if name not in HTTP_ONLY:
        said["socket"] = await over_socket(client, name, fields)
    return said


async def test_a_viewer_follows_and_reads(place: Place, api: Api) -> None:
    """A viewer's namespace is that of staff, with the bookings; a guest's token opens it not."""
    world = await make_world(api, "seen", place.staff)
    async with Client(place.url, token=sign(scope="viewer", calendars=["seen"]), namespace=STAFF) as viewer:
        answer = await viewer.ask("calendar.subscribe", calendar="seen")
        assert [booking["id"] for booking in answer["bookings"]] == [world.booking["id"]]
        assert await over_socket(viewer, "booking.get", {"booking": world.booking["id"]}) == "ok"
        assert (
            await over_socket(viewer, "booking.cancel", world.request("booking.cancel") | {"token": ""}) == "forbidden"
        )
        assert await over_socket(viewer, "slot.hold", world.shortest("slot.hold") | {"override": True}) == "forbidden"
