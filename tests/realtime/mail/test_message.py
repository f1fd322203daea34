"""The message with a code: in plain text, with the slot's local time, and nothing of the customer in its subject."""

from __future__ import annotations

import pytest

from realtime.mail.message import write_message
from tests.support.mail_server import code_in

ORDER = {
    "booking": "01977420-0000-7000-8000-000000000001",
    "email": "ada@example.org",
    "calendar": "Café Room",
    "zone": "Europe/Vienna",
    "start": 1_799_055_000_000,
    "code": "043917",
    "link": "c2VjcmV0",
    "language": "en",
}


def test_a_message_has_the_code_the_time_and_the_link() -> None:
    """The link's secret part stands behind its #, so no server's log has it."""
    message = write_message(ORDER, "Café <bookings@example.org>", "https://book.example.org", 1_799_000_000_000)
    text = message.get_content()
    assert code_in(message) == "043917"
    assert "Café Room, Monday, 4 January 2027, 10:30 (Europe/Vienna)" in text
    assert f"https://book.example.org/verify/{ORDER['booking']}#c2VjcmV0\n" in text
    assert (message["To"], message["Auto-Submitted"]) == ("ada@example.org", "auto-generated")
    assert str(message["Message-ID"]).endswith("@example.org>")
    assert "http" not in write_message(ORDER, "a@example.org", "", 1_799_000_000_000).get_content()


def test_no_header_is_injected() -> None:
    """A line break in a field is refused by the library, whatever the database has."""
    with pytest.raises(ValueError, match="linefeed"):
        write_message({**ORDER, "email": "a@example.org\nBcc: b@example.org"}, "a@example.org", "", 0)
