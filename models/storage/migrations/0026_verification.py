"""Bookings that count once their customer has answered a mail, with the mails still to be sent."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql(
        "CREATE TABLE verification (booking TEXT NOT NULL PRIMARY KEY, caller TEXT NOT NULL, email TEXT NOT NULL,"
        " tries INTEGER NOT NULL DEFAULT 0, mails INTEGER NOT NULL DEFAULT 0, mail_at BIGINT,"
        " created_at BIGINT NOT NULL)"
    )
    db.execute_sql("CREATE INDEX verification_caller ON verification (caller)")
    db.execute_sql("CREATE INDEX verification_email ON verification (email)")
    db.execute_sql("CREATE INDEX verification_created ON verification (created_at)")
    db.execute_sql("CREATE INDEX verification_mail ON verification (mail_at) WHERE mail_at IS NOT NULL")
