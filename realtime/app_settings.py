"""The settings of the application, as values that its parts take; `cli.settings.Settings` declares and checks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime.access.issuer import IssuerSettings
from realtime.access.token_keys import TokenKeys
from realtime.http.middleware import Network
from realtime.http.verification import PROOF_NUMBER
from realtime.mail.outbox import MailSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """Holds the settings of one application. A bound of 0 is none, and an empty address is a part left out."""

    secret: bytes | TokenKeys
    origins: Sequence[str]
    proxies: Sequence[Network]
    base_path: str
    internal_url: str = ""  # other servers relay to it
    name: str = ""  # on the page of the servers
    # What clients may take.
    rate: float  # requests a second
    address_factor: float  # an address has this many times the rate of a connection
    most_open_per_address: int
    body_seconds: float
    max_queued_bytes: int
    max_room_bytes: int
    proof_number: int = PROOF_NUMBER
    # Who may do what.
    issuer: IssuerSettings | None = None
    token_seconds: int = 0  # the longest life of a token
    session_seconds: int = 30 * 86_400
    has_public_metrics: bool = False
    # What the server does by itself.
    busy_seconds: float = 900.0  # between two reads of a calendar's busy times
    busy_allows_private: bool = False
    mail: MailSettings | None = None
    otlp_url: str = ""
