"""The book as it began: calendars, slots, holds, bookings, receipts and the change log."""

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    CompositeKey,
    Database,
    IntegerField,
    SqliteDatabase,
    TextField,
)


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    is_sqlite = isinstance(db, SqliteDatabase)

    class Calendar(db.Model):
        id = TextField(primary_key=True)
        name = TextField()
        zone = TextField()
        visibility = TextField(constraints=[Check("visibility IN ('public', 'private')")])
        booking = TextField(constraints=[Check("booking IN ('anyone', 'token')")])
        policy = TextField()
        archived = BooleanField()
        created_at = BigIntegerField()
        seq = BigIntegerField()
        nonce = TextField()

    class Slot(db.Model):
        id = TextField(primary_key=True)
        calendar = TextField()
        start = BigIntegerField()
        end = BigIntegerField()
        capacity = IntegerField()
        held = IntegerField(constraints=[Check("held >= 0")])
        booked = IntegerField(constraints=[Check("booked >= 0")])
        blocked = IntegerField(constraints=[Check("blocked >= 0")])
        held_until = BigIntegerField(null=True)
        state = IntegerField(constraints=[Check("state IN (0, 1, 2)")])
        origin = IntegerField(constraints=[Check("origin IN (0, 1)")])
        version = BigIntegerField()
        data = TextField(null=True)

        class Meta:
            constraints = [
                Check("held + booked <= capacity"),
                Check('"start" < "end"'),
                SQL("FOREIGN KEY (calendar) REFERENCES calendar (id)"),
            ]

    class Hold(db.Model):
        id = TextField(primary_key=True)
        calendar = TextField()
        slot = TextField()
        seats = IntegerField(constraints=[Check("seats > 0")])
        holder = TextField()
        state = IntegerField(constraints=[Check("state IN (0, 1, 2, 3)")])
        created_at = BigIntegerField()
        expires_at = BigIntegerField()

        class Meta:
            constraints = [SQL("FOREIGN KEY (slot) REFERENCES slot (id)")]

    class Booking(db.Model):
        id = TextField(primary_key=True)
        calendar = TextField()
        slot = TextField()
        seats = IntegerField(constraints=[Check("seats > 0")])
        status = TextField(
            constraints=[Check("status IN ('pending', 'confirmed', 'cancelled', 'rejected', 'no_show')")]
        )
        name = TextField(null=True)
        email = TextField(null=True)
        phone = TextField(null=True)
        note = TextField(null=True)
        created_at = BigIntegerField()
        version = BigIntegerField()

        class Meta:
            constraints = [SQL("FOREIGN KEY (slot) REFERENCES slot (id)")]

    class Receipt(db.Model):
        id = TextField(primary_key=True)
        calendar = TextField()
        fingerprint = TextField()
        seq = BigIntegerField()
        cursor = TextField()
        result = BlobField()
        created_at = BigIntegerField()

        class Meta:
            without_rowid = is_sqlite

    class Log(db.Model):
        calendar = TextField()
        seq = BigIntegerField()
        nonce = TextField()
        at = BigIntegerField()
        type = TextField()
        body = BlobField()
        bookings = TextField()

        class Meta:
            table_name = "change_log"
            primary_key = CompositeKey("calendar", "seq")
            without_rowid = is_sqlite

    Slot.add_index(Slot.calendar, Slot.end, name="slot_calendar_end")
    Hold.add_index(Hold.expires_at, where=Hold.state == 0, name="hold_active_expires")
    Hold.add_index(Hold.slot, where=Hold.state == 0, name="hold_active_slot")
    Hold.add_index(Hold.calendar, Hold.holder, where=Hold.state == 0, name="hold_active_holder")
    Booking.add_index(Booking.slot, name="booking_slot")
    Booking.add_index(Booking.calendar, Booking.created_at, name="booking_calendar")
    Receipt.add_index(Receipt.calendar, Receipt.created_at, name="receipt_age")
    Log.add_index(Log.calendar, Log.at, name="change_log_age")
    for table in (Calendar, Slot, Hold, Booking, Receipt, Log):  # in this order: one refers to the one before
        table.create_table(safe=False)
