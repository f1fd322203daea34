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
