"""The message with the code of a booking."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from zoneinfo import ZoneInfo

from models.contract.values.time import SECOND

VERIFY = "/verify"


def write_message(order: dict[str, Any], sender: str, public_url: str, now: int) -> EmailMessage:
    """Return the message of an order of `ClaimMails`. Without the server's public URL it has no link."""
    start = datetime.fromtimestamp(order["start"] / SECOND, UTC).astimezone(ZoneInfo(order["zone"]))
    when = f"{start:%A, %d %B %Y, %H:%M} ({order['zone']})"
    lines = [
        f"A booking was made with this address: {order['calendar']}, {when}.",
        "",
        f"Your code: {order['code']}",
        "",
        "The booking counts once you enter the code on the booking page.",
    ]
    if public_url:
        lines += ["Or open this link:", f"{public_url}{VERIFY}/{order['booking']}#{order['link']}"]
    lines += ["", "If you made no booking, do nothing: it ends by itself."]
    message = EmailMessage()
    message["Subject"] = f"{order['code']} is your code"
    message["From"] = sender
    message["To"] = order["email"]
    message["Date"] = format_datetime(datetime.fromtimestamp(now / SECOND, UTC))
    message["Message-ID"] = make_msgid(idstring=order["booking"], domain=sender.rpartition("@")[2].strip("> ") or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(lines))
    return message
