"""The message with the code of a booking, in the language of its page."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from zoneinfo import ZoneInfo

from models.contract.values.time import SECOND
from realtime.mail.catalog import texts_of

VERIFY = "/verify"


def write_message(order: dict[str, Any], sender: str, public_url: str, now: int) -> EmailMessage:
    """Return the message of an order of `ClaimMails`. Without the server's public URL it has no link."""
    start = datetime.fromtimestamp(order["start"] / SECOND, UTC).astimezone(ZoneInfo(order["zone"]))
    texts = texts_of(order["language"])
    when = f"{texts.write_when(start)} ({order['zone']})"
    lines = [
        texts.booked.format(calendar=order["calendar"], when=when),
        "",
        texts.code.format(code=order["code"]),
        "",
        texts.enter,
    ]
    if public_url:
        lines += [texts.link, f"{public_url}{VERIFY}/{order['booking']}#{order['link']}"]
    lines += ["", texts.otherwise]
    message = EmailMessage()
    message["Subject"] = texts.subject.format(code=order["code"])
    message["From"] = sender
    message["To"] = order["email"]
    message["Date"] = format_datetime(datetime.fromtimestamp(now / SECOND, UTC))
    message["Message-ID"] = make_msgid(idstring=order["booking"], domain=sender.rpartition("@")[2].strip("> ") or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(lines))
    return message
