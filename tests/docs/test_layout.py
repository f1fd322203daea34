"""The tests mirror the code: a module's test has its name, in the same folder under tests."""

from tests.support import ROOT

# Modules without a test of their own name, each with the reason.
UNTESTED = {
    "models/contract/commands/access": "declarations only; tests/models/contract/test_requests checks each",
    "models/contract/commands/server": "declarations only; tests/models/contract/test_requests checks each",
    "models/contract/values/addressed": "one type",
    "models/domain/access/grants": "tests/models/domain/access/test_accounts tries each rule",
    "models/query/access": "tests/models/domain/access/test_credentials reads what it has written",
    "models/storage/access_tables": "declarations only; tests/models/storage/test_migrations compares each table",
    "realtime/http/access_api": "tests/system/access/test_accounts uses each route",
    "realtime/http/access_routes": "declarations only; tests/realtime/http/test_routes checks each",
    "realtime/http/read_route": "declarations only",
    "realtime/requests/access_handler": "tests/system/access/test_accounts and test_roles use each request",
    "realtime/requests/access_parts": "tests/system/access/test_accounts needs each part",
    "realtime/requests/session_handler": "tests/system/access/test_accounts signs in and out",
    "realtime/app_settings": "declarations only; tests/realtime/test_app and each server take it",
    "realtime/operators/parts": "tests/realtime/faults/test_faults and operators/test_tracing need each part",
    "realtime/sockets": "tests/realtime/test_app makes it with each server",
    "models/contract/access_answers": "declarations only; tests/realtime/http/test_routes checks their routes",
    "models/contract/server_answers": "declarations only; tests/docs/test_conformance compares every answer with them",
    "models/contract/block_answers": "declarations only; tests/docs/test_conformance compares every answer with them",
    "models/contract/commands/blocks": "declarations only; tests/models/contract/test_requests checks each",
    "models/contract/answers": "declarations only; tests/docs/test_conformance compares every answer with them",
    "models/contract/commands/background": "declarations only; tests/invariants/test_convergence runs each command",
    "models/contract/commands/bookings": "declarations only; tests/models/contract/test_requests checks each",
    "models/contract/commands/calendars": "declarations only; tests/models/contract/test_requests checks each",
    "models/contract/commands/expansion": "declarations only; tests/models/schedule/test_steps takes and refuses it",
    "models/contract/commands/holds": "declarations only; tests/models/contract/test_requests checks each",
    "models/contract/commands/slots": "declarations only; tests/models/contract/test_requests checks each",
    "models/domain/calendars/due_schedule": "one UPDATE; tests/models/schedule/test_horizon needs it after each change",
    "models/domain/slots/planned": "declarations only",
    "models/writing/check_writer": "no effect; tests/realtime/http/test_health runs it",
    "models/storage/dialect": "an interface; test_sqlite and test_postgres test its two forms",
    "models/storage/triggers/sqlite_values": "SQL expressions; test_sqlite and test_triggers run each",
    "realtime/edge/app": "tests/realtime/edge/test_following and test_passage run it",
    "realtime/edge/namespace": "tests/realtime/edge/test_passage asks through it",
    "realtime/answers": "declarations only; tests/docs/test_conformance compares every answer with them",
}


def _modules() -> list[str]:
    paths = [path for package in ("models", "realtime", "cli") for path in sorted((ROOT / package).rglob("*.py"))]
    names = [str(path.relative_to(ROOT).with_suffix("")) for path in paths if path.stem != "__init__"]
    return [name for name in names if "/migrations/" not in name]  # a migration is loaded by its number


def _test_of(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"tests/{folder}/test_{name}.py"


def test_every_module_has_a_test_of_its_name() -> None:
    """A module has its test in the mirror folder, or stands in the list with its reason."""
    missing = [name for name in _modules() if name not in UNTESTED and not (ROOT / _test_of(name)).is_file()]
    assert missing == [], "write the test, or give the reason in UNTESTED"


def test_no_module_is_in_the_list_for_nothing() -> None:
    """A listed module is there and has no test of its name."""
    assert sorted(UNTESTED.keys() - set(_modules())) == []
    assert [name for name in UNTESTED if (ROOT / _test_of(name)).exists()] == []
