"""The oldest program that can serve this schema, by the name of its newest migration.

A migration that takes away what an older program uses writes its name there: see `models/storage/schema_rule.py`.
"""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("CREATE TABLE oldest_program (migration TEXT NOT NULL PRIMARY KEY)")
    db.execute_sql("INSERT INTO oldest_program (migration) VALUES ('0021_oldest_program')")
