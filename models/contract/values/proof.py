"""Proofs of work in the form of ALTCHA: a client finds the number of a signed challenge by trying.

The server stores no challenge. A proof is text in base64: the JSON of the challenge with its number.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import secrets
from base64 import b64decode

import msgspec
from msgspec import Struct

from models.contract.values.time import SECOND
from models.contract.values.tokens import Tokens

CHALLENGE_SECONDS = 300
PROOF_CHARACTERS = 1_000  # of a proof; one of this server has 400
_SALT = re.compile(r"[0-9a-f]{24}\?expires=([0-9]{1,15})", re.ASCII)


class Challenge(Struct, kw_only=True, frozen=True):
    """`challenge` is the SHA-256 of `salt` and a number up to `maxnumber`, in hexadecimal digits."""

    algorithm: str = "SHA-256"
    challenge: str
    maxnumber: int
    salt: str
    signature: str


class _Proof(Struct, kw_only=True, frozen=True):
    """A solved challenge. Its length is bounded where the text is read."""

    algorithm: str
    challenge: str
    number: int
    salt: str
    signature: str


_decoder = msgspec.json.Decoder(_Proof)


def make_challenge(tokens: Tokens, now: int, most: int) -> Challenge:
    """Make a challenge with a number up to `most`, which a client finds after half as many tries."""
    salt = f"{secrets.token_hex(12)}?expires={now // SECOND + CHALLENGE_SECONDS}"
    digest = _digest(salt, secrets.randbelow(most + 1))
    return Challenge(challenge=digest, maxnumber=most, salt=salt, signature=tokens.token("challenge", digest))


def read_proof(tokens: Tokens, text: str, now: int) -> tuple[str, int] | None:
    """Return the challenge that the proof solves, and its end in milliseconds; None for no proof, or one too old."""
    try:
        proof = _decoder.decode(b64decode(text, validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    salt = _SALT.fullmatch(proof.salt)
    if salt is None or proof.algorithm != "SHA-256" or not 0 <= proof.number <= 1 << 53:
        return None
    ends_at = int(salt[1]) * SECOND
    is_own = tokens.is_token(proof.signature, "challenge", proof.challenge)
    # A digit of the number may stand at the end of the time instead: the hash is the same, and the end years ahead.
    is_in_time = now < ends_at <= now + 2 * CHALLENGE_SECONDS * SECOND  # clocks of two servers differ
    if not is_own or not is_in_time or _digest(proof.salt, proof.number) != proof.challenge:
        return None
    return proof.challenge, ends_at


def _digest(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
