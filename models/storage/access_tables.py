"""The tables of accounts, credentials and blocks. Times are milliseconds since the epoch."""

from __future__ import annotations

from typing import NamedTuple

from peewee import BigIntegerField, IntegerField, Model, TextField


class Account(Model):
    """An account of staff. `folded` is the name for comparison, `password` an Argon2 hash, and `roles` JSON."""

    id = TextField(primary_key=True)
    name = TextField()
    folded = TextField(unique=True)
    password = TextField()
    roles = TextField()
    created_at = BigIntegerField()
    disabled = IntegerField(default=0)

    class Meta:
        table_name = "account"


class Credential(Model):
    """A session of an account, a token of staff, or a private link. `roles` is JSON; a guest's link has "" as a role.

    `digest` is the hash of a session's secret. A token and a link are signed, so nothing of them is stored.
    """

    id = TextField(primary_key=True)
    kind = TextField()
    account = TextField(null=True)
    digest = TextField(null=True)
    subject = TextField()
    roles = TextField()
    made_by = TextField()
    made_at = BigIntegerField()
    ends_at = BigIntegerField(null=True)
    used_at = BigIntegerField(null=True)
    revoked_at = BigIntegerField(null=True)

    class Meta:
        table_name = "credential"


class Block(Model):
    """A block of an e-mail address, a phone number, a network address or a `sub`. `calendar` is "*" for all.

    `digest` is a keyed hash of the value in its canonical spelling. An erasure leaves the digest alone.
    """

    id = TextField(primary_key=True)
    calendar = TextField()
    kind = TextField()
    value = TextField(null=True)
    digest = TextField()
    reason = TextField()
    made_by = TextField()
    made_at = BigIntegerField()
    ends_at = BigIntegerField(null=True)

    class Meta:
        table_name = "block"


class AccountRow(NamedTuple):
    id: str
    name: str
    folded: str
    password: str
    roles: str
    created_at: int
    disabled: int


class CredentialRow(NamedTuple):
    id: str
    kind: str
    account: str | None
    digest: str | None
    subject: str
    roles: str
    made_by: str
    made_at: int
    ends_at: int | None
    used_at: int | None
    revoked_at: int | None


class BlockRow(NamedTuple):
    id: str
    calendar: str
    kind: str
    value: str | None
    digest: str
    reason: str
    made_by: str
    made_at: int
    ends_at: int | None
