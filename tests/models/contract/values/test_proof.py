"""Challenges and their proofs, in the form of ALTCHA. Commands with them are tested with the bookings."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode

from models.contract.values.proof import CHALLENGE_SECONDS, PROOF_CHARACTERS, make_challenge, read_proof
from models.contract.values.tokens import Tokens

NOW = 1_799_020_800_000


def test_the_number_of_a_challenge_is_its_proof() -> None:
    """The challenge is the hash of the salt and the number; the proof ends with the salt's time, to the millisecond."""
    tokens = Tokens(b"one")
    made = make_challenge(tokens, NOW, 20)
    (number,) = [
        number for number in range(21) if hashlib.sha256(f"{made.salt}{number}".encode()).hexdigest() == made.challenge
    ]
    fields = {"algorithm": "SHA-256", "challenge": made.challenge, "number": number}
    proof = b64encode(json.dumps({**fields, "salt": made.salt, "signature": made.signature}).encode()).decode()
    end = NOW + CHALLENGE_SECONDS * 1_000
    assert len(proof) < PROOF_CHARACTERS
    assert read_proof(tokens, proof, end - 1) == (made.challenge, end)
    assert read_proof(tokens, proof, end) is None
    assert read_proof(Tokens(b"two"), proof, NOW) is None
    assert read_proof(Tokens(b"two", b"one"), proof, NOW) == (made.challenge, end)


def test_a_spliced_proof_lasts_no_longer() -> None:
    """Digits of the number at the end of the time leave the hash as it is, and make no proof of another end."""
    tokens = Tokens(b"one")
    salt = f"{'0' * 24}?expires={NOW // 1_000 + CHALLENGE_SECONDS}"
    number = 1234
    digest = hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
    fields = {"algorithm": "SHA-256", "challenge": digest, "signature": tokens.token("challenge", digest)}

    def read(salt: str, number: int) -> tuple[str, int] | None:
        text = json.dumps({**fields, "salt": salt, "number": number})
        return read_proof(tokens, b64encode(text.encode()).decode(), NOW)

    assert read(salt, number) is not None
    for moved in (1, 2, 3):
        assert read(f"{salt}{str(number)[:moved]}", int(str(number)[moved:])) is None
        assert read(salt[:-moved], int(f"{salt[-moved:]}{number}")) is None
