"""By which secret the tokens and receipts of this database are made: its fingerprint, stored by the first start."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("CREATE TABLE secret (fingerprint TEXT NOT NULL)")
