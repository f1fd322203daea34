"""Holds: seats kept for a while for one who is making up their mind. They end by themselves, by a change."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from peewee import fn

from models import log, rules, slots
from models.batch import Batch, Done
from models.change import SLOTS_A_CHANGE, Type
from models.clock import SECOND, write_time
from models.commands import ExtendHold, HeldSeat, HoldSlot, LapseHolds, ReleaseHold
from models.errors import BadRequest, HoldExpired, HoldNotYours, InvalidTransition, LimitExceeded, NotFound
from models.identity import UUID, new_id
from models.statement import Insertion, Statement, bind, literal
from models.tables import Hold, HoldRow, HoldState, SlotRow, columns


class PublicHold(Struct, kw_only=True):
    """A hold as its holder sees it."""

    id: str
    slot: str
    seats: int
    expires_at: str
    token: str | UnsetType = UNSET


_read = Statement(Hold.select(*columns(Hold)).where(Hold.id == bind("hold")))
_insert = Insertion(Hold)
_count = Statement(
    Hold.select(fn.COUNT(Hold.id)).where(
        (Hold.calendar == bind("calendar"))
        & (Hold.holder == bind("holder"))
        & (Hold.state == literal(HoldState.ACTIVE))
        & (Hold.expires_at > bind("now"))
    )
)
_end = Statement(
    Hold.update({Hold.state: bind("state")}).where(
        (Hold.id == bind("hold")) & (Hold.state == literal(HoldState.ACTIVE))
    )
)
_extend = Statement(Hold.update({Hold.expires_at: bind("expires_at")}).where(Hold.id == bind("hold")))
_lapsed_on = Statement(
    Hold.select(*columns(Hold)).where(
        (Hold.slot == bind("slot")) & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("before"))
    )
)
_lapsed_in = Statement(
    Hold.select(*columns(Hold))
    .where(
        (Hold.calendar == bind("calendar"))
        & (Hold.state == literal(HoldState.ACTIVE))
        & (Hold.expires_at <= bind("before"))
    )
    .order_by(Hold.expires_at)
    .limit(literal(SLOTS_A_CHANGE))
)


def public(row: HoldRow) -> PublicHold:
    """Without its token, which is added for its holder only."""
    return PublicHold(id=row.id, slot=row.slot, seats=row.seats, expires_at=write_time(row.expires_at))


def take(batch: Batch, slot: SlotRow, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow:
    """Takes seats; if none are left, lapses the slot's expired holds inside the same change and tries again."""
    taken = slots.try_take(batch, slot.id, seq, held=held, booked=booked)
    if taken is None and lapse(batch, seq, slot.id):
        taken = slots.try_take(batch, slot.id, seq, held=held, booked=booked)
    if taken is None:
        raise rules.why_not_taken(slots.find(batch, slot.id), held + booked)
    return taken


def lapse(batch: Batch, seq: int, slot: str) -> bool:
    """Gives back the seats of the slot's holds whose grace is over; False if there are none."""
    lapsed = [HoldRow._make(row) for row in _lapsed_on.rows(batch.db, slot=slot, before=batch.now - rules.GRACE)]
    for hold in lapsed:
        _end.execute(batch.db, hold=hold.id, state=int(HoldState.EXPIRED))
    if lapsed:
        slots.shift(batch, slot, seq, held=-sum(hold.seats for hold in lapsed))
    return bool(lapsed)


def hold_slot(batch: Batch, command: HoldSlot) -> Done:
    """`slot.hold`: seats for `hold_seconds`, as many holds a holder as the policy says."""
    slot = slots.find(batch, command.slot)
    calendar = batch.calendar(slot.calendar)
    policy = rules.policy_of(calendar)
    rules.check_book(command.asker, calendar)
    rules.check_notice(policy, slot, batch.now)
    check_seats(command.seats)
    holder = batch.tokens.pseudonym("holder", command.asker.holder)
    count = _count.row(batch.db, calendar=slot.calendar, holder=holder, now=batch.now)
    if count and count[0] >= policy.max_holds:
        raise LimitExceeded(rule="max_holds", max_holds=policy.max_holds)
    hold = HoldRow(
        id=new_id(batch.now),
        calendar=slot.calendar,
        slot=slot.id,
        seats=command.seats,
        holder=holder,
        state=HoldState.ACTIVE,
        created_at=batch.now,
        expires_at=batch.now + policy.hold_seconds * SECOND,
    )
    seq = log.next_seq(batch, slot.calendar)
    _insert.run(batch.db, hold)
    taken = take(batch, slot, seq, held=hold.seats)
    log.append(batch, slot.calendar, Type.SLOT_HELD, slots=[slots.public(taken)])
    return Done(slot.calendar, "hold", public(hold), token="hold")


def check_seats(seats: int) -> None:
    if not 1 <= seats <= rules.MOST_SEATS:
        raise BadRequest(f"`seats` is 1 to {rules.MOST_SEATS}.", field="seats")


def find(batch: Batch, given: HeldSeat) -> HoldRow:
    """The hold, once its token has shown that it is the asker's."""
    row = _read.row(batch.db, hold=given.id) if UUID.fullmatch(given.id) else None
    if row is None:
        raise NotFound(what="hold")
    if not batch.tokens.is_token(given.token, "hold", given.id):
        raise HoldNotYours
    return HoldRow._make(row)


def check_active(hold: HoldRow, received: int) -> None:
    """What counts is when the holder's request arrived, not when its turn came."""
    if hold.state == HoldState.EXPIRED or (hold.state == HoldState.ACTIVE and received >= hold.expires_at):
        raise HoldExpired(expired_at=write_time(hold.expires_at))
    if hold.state != HoldState.ACTIVE:
        raise InvalidTransition("The hold was booked or released.", rule="hold_ended")


def end(batch: Batch, hold: HoldRow, state: HoldState) -> None:
    """Ends an active hold; its seats are the caller's to move."""
    _end.execute(batch.db, hold=hold.id, state=int(state))


def extend_hold(batch: Batch, command: ExtendHold) -> Done:
    """`hold.extend`: a fresh `hold_seconds` from now, in all at most twice that from the start."""
    hold = find(batch, command.hold)
    check_active(hold, command.received or batch.now)
    seconds = rules.policy_of(batch.calendar(hold.calendar)).hold_seconds
    expires_at = min(batch.now + seconds * SECOND, hold.created_at + 2 * seconds * SECOND)
    if expires_at <= hold.expires_at:
        return Done(hold.calendar, "hold", public(hold), token="hold")
    seq = log.next_seq(batch, hold.calendar)
    _extend.execute(batch.db, hold=hold.id, expires_at=expires_at)
    slot = slots.shift(batch, hold.slot, seq)
    log.append(batch, hold.calendar, Type.SLOT_HELD, slots=[slots.public(slot)])
    return Done(hold.calendar, "hold", public(hold._replace(expires_at=expires_at)), token="hold")


def release_hold(batch: Batch, command: ReleaseHold) -> Done:
    """`hold.release`: gives the seats back; done already, it changes nothing."""
    hold = find(batch, command.hold)
    if hold.state == HoldState.BOOKED:
        raise InvalidTransition("The hold was booked: cancel the booking.", rule="hold_ended")
    if hold.state == HoldState.ACTIVE:
        seq = log.next_seq(batch, hold.calendar)
        end(batch, hold, HoldState.RELEASED)
        slot = slots.shift(batch, hold.slot, seq, held=-hold.seats)
        log.append(batch, hold.calendar, Type.SLOT_RELEASED, slots=[slots.public(slot)])
    return Done(hold.calendar, "hold", public(hold))


def lapse_holds(batch: Batch, command: LapseHolds) -> Done:
    """The sweep: at most 200 holds, and so at most 200 slots, in one change. Answers how many went."""
    rows = _lapsed_in.rows(batch.db, calendar=command.calendar, before=batch.now - rules.GRACE)
    lapsed = [HoldRow._make(row) for row in rows]
    if lapsed:
        seq = log.next_seq(batch, command.calendar)
        for hold in lapsed:
            end(batch, hold, HoldState.EXPIRED)
        seats: dict[str, int] = {}
        for hold in lapsed:
            seats[hold.slot] = seats.get(hold.slot, 0) + hold.seats
        moved = [slots.public(slots.shift(batch, slot, seq, held=-count)) for slot, count in seats.items()]
        log.append(batch, command.calendar, Type.SLOT_EXPIRED, slots=moved)
    return Done(command.calendar, "lapsed", len(lapsed))
