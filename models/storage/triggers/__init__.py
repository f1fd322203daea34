"""Triggers that note the rows touched by outside writers, for models/domain/outside_writes.

They stand on calendar, slot, hold and booking, and fill the table `touched`. A note is written in the outside writer's
own transaction, so it commits with its row. The triggers also recount the seats of a slot at once: its counters are
right at every commit, and an overfull slot is refused.

The connection tells the service's own writes from all others, never the content of a row, so a copied row can't pass
for the service's. On SQLite the service's connections have an authorizer that compiles the notes to nothing
(`ignore_own`). On PostgreSQL its transactions set `slotcast.service`, and the triggers check that setting first.
"""
