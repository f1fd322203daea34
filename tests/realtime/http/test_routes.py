"""The table of the routes: one row for each request over HTTP."""

from models.contract.requests import EVERY_REQUEST
from realtime.http.routes import COMMANDS, READS


def test_no_two_rows_have_the_same_route() -> None:
    """Method and path name one row."""
    rows = [(row.method, row.path) for row in COMMANDS] + [(row.method, row.path) for row in READS]
    assert len(rows) == len(set(rows))


def test_a_row_fits_its_request() -> None:
    """The path's id is a field of the request on the wire, and every command on the wire has a row."""
    for row in COMMANDS:
        assert ("{id}" in row.path) is bool(row.subject), row.path
        assert not row.subject or row.subject in row.command.__struct_encode_fields__
    commands = {name for name, kind in EVERY_REQUEST.items() if kind.of_server}
    assert commands - {row.command.wire.name for row in COMMANDS} == set()
