"""Brings the spellings of one e-mail address to one form, to compare addresses."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from unicodedata import normalize

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ENCODED = "xn--"  # the start of a label in Punycode
_PLAIN = re.compile(r"[\x00-\x7f]*")
_DOTS = re.compile(r"[.\u3002\uFF0E\uFF61]")  # those of RFC 3490
_CACHED = 4_096


@lru_cache(maxsize=_CACHED)
def canonical_email(email: str) -> str:
    """Return the same text for all spellings of an address: its case, quotes, and the encoding of its domain.

    Letters are not taken for one another: `strasse@` and `straße@` are two addresses. Only in a domain are full-width
    letters and dots the plain ones, as for DNS (UTS 46).
    """
    email = email.strip()
    if email.isascii() and '"' not in email and _ENCODED not in email.lower():
        return email.lower()
    local, _, domain = email.rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = _ESCAPED.sub(r"\1", local[1:-1])
    labels = ".".join(map(_decoded, _DOTS.split(normalize("NFKC", domain))))
    return normalize("NFC", normalize("NFC", f"{local}@{labels}").lower())


def mailbox_of(email: str) -> str:
    """Return the same text for all addresses whose mail is likely to come to one mailbox: `a.da+tag@` is `ada@`.

    Two persons may have it, so it is only for a bound on mails that nobody has asked for.
    """
    local, at, domain = canonical_email(email).rpartition("@")
    return (local.partition("+")[0].replace(".", "") or local) + at + domain


def plain_beginning(email: str) -> str:
    """Return what the spellings of an address have in common at their beginning, but for ASCII case and quotes.

    It ends after the @ or before the first letter outside ASCII, which has other cases and forms for each database.
    """
    email = email[: email.rindex("@") + 1] if "@" in email else email
    found = _PLAIN.match(email)[0]  # type: ignore[index]  # it always matches
    return found if len(found) == len(email) else found[:-1]  # a mark behind it may be a part of the last letter


def _decoded(label: str) -> str:
    if label[:4].lower() == _ENCODED:
        with suppress(UnicodeError):
            return label[4:].encode().decode("punycode")
    return label
