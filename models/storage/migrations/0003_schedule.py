"""Opening hours, and the mark of a slot that they have dropped: closed, to go with its last booking."""

from peewee import BigIntegerField, Database, Model, TextField


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    class Timetable(db.Model):
        calendar = TextField(primary_key=True)
        body = TextField()
        generated_until = TextField()
        version = BigIntegerField()

    assert issubclass(Timetable, Model)
    db.create_tables([Timetable], safe=False)
    db.execute_sql("ALTER TABLE slot ADD COLUMN dropped BOOLEAN NOT NULL DEFAULT FALSE")
