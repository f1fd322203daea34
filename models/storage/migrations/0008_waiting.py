"""Slots of a schedule that wait: they are opened once the taken slot in their way is gone."""

from peewee import BigIntegerField, CompositeKey, Database, IntegerField, Model, TextField


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    class WaitingSlot(db.Model):
        calendar = TextField()
        start = BigIntegerField()
        end = BigIntegerField()
        capacity = IntegerField()
        data = TextField(null=True)
        behind = TextField()

        class Meta:
            table_name = "waiting_slot"
            primary_key = CompositeKey("calendar", "start", "end")

    assert issubclass(WaitingSlot, Model)
    db.create_tables([WaitingSlot], safe=False)
    db.execute_sql("CREATE INDEX waiting_slot_behind ON waiting_slot (behind)")
