"""Holds: seats kept for a while for one who is making up their mind. They end by themselves, by a change."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from peewee import Database, fn

from models import log, rules, seats
from models.batch import Batch, Done
from models.change import SLOTS_A_CHANGE, Type
from models.clock import SECOND, write_time
from models.commands import Asker, ExtendHold, HeldSeat, HoldSlot, LapseHolds, ReleaseHold
from models.errors import BadRequest, HoldExpired, HoldNotYours, InvalidTransition, NotFound, SlotUnavailable
from models.identity import UUID, Tokens, new_id
from models.statement import Insertion, Statement, bind, literal
from models.tables import Hold, HoldRow, HoldState, Slot, SlotRow, columns


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
        (Hold.slot == bind("slot")) & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("expired"))
    )
)
_lapsed_around = Statement(
    Hold.select(*columns(Hold))
    .join(Slot, on=(Hold.slot == Slot.id))
    .where(seats.IS_NEIGHBOUR & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("expired")))
)
_lapsed_in = Statement(
    Hold.select(*columns(Hold))
    .where(
        (Hold.calendar == bind("calendar"))
        & (Hold.state == literal(HoldState.ACTIVE))
        & (Hold.expires_at <= bind("expired"))
    )
    .order_by(Hold.expires_at)
    .limit(literal(SLOTS_A_CHANGE))
)


def public(row: HoldRow) -> PublicHold:
    """Without its token, which is added for its holder only."""
    return PublicHold(id=row.id, slot=row.slot, seats=row.seats, expires_at=write_time(row.expires_at))


def take(batch: Batch, slot: SlotRow, seq: int, *, held: int = 0, booked: int = 0) -> None:
    """Takes seats; if there are none, lapses the expired holds in its way inside the same change and tries again."""
    if seats.try_take(batch, slot.id, seq, held=held, booked=booked):
        return
    if lapse_in_the_way(batch, slot, seq) and seats.try_take(batch, slot.id, seq, held=held, booked=booked):
        return
    rules.check_free(seats.find(batch, slot.id), held + booked)
    raise SlotUnavailable


def lapse_in_the_way(batch: Batch, slot: SlotRow, seq: int) -> bool:
    """Gives back the seats of holds whose grace is over, on the slot and its neighbours; False if there are none."""
    calendar = batch.calendar(slot.calendar)
    expired = batch.now - rules.GRACE
    rows = _lapsed_on.rows(batch.db, slot=slot.id, expired=expired)
    if rules.policy_of(calendar).rejects_overlap:
        rows += _lapsed_around.rows(batch.db, expired=expired, **seats.around(calendar, slot.id, slot.start, slot.end))
    lapse(batch, [HoldRow._make(row) for row in rows], seq)
    return bool(rows)


def lapse(batch: Batch, lapsed: list[HoldRow], seq: int) -> None:
    """Ends these holds and gives back their seats, slot by slot."""
    counts: dict[str, int] = {}
    for hold in lapsed:
        end(batch, hold, HoldState.EXPIRED)
        counts[hold.slot] = counts.get(hold.slot, 0) + hold.seats
    for slot, count in counts.items():
        seats.shift(batch, slot, seq, held=-count)


def hold_slot(batch: Batch, command: HoldSlot) -> Done:
    """`slot.hold`: seats for `hold_seconds`, as many holds a holder as the policy says."""
    slot = seats.find(batch, command.slot)
    calendar = batch.calendar(slot.calendar)
    policy = rules.policy_of(calendar)
    rules.check_book(command.asker, calendar)
    rules.check_notice(policy, slot, batch.now)
    check_seats(command.seats)
    holder = pseudonym(batch.tokens, command.asker)
    rules.check_max_holds(policy, count_active(batch.db, slot.calendar, holder, batch.now))
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
    take(batch, slot, seq, held=hold.seats)
    seats.tell(batch, slot.calendar, Type.SLOT_HELD)
    return Done(slot.calendar, "hold", public(hold), token="hold")


def pseudonym(tokens: Tokens, asker: Asker) -> str:
    """Under what the asker's holds are counted; neither name nor address can be read from it."""
    return tokens.pseudonym("holder", asker.holder)


def count_active(db: Database, calendar: str, holder: str, now: int) -> int:
    """How many holds count against the holder's `max_holds`: one that ran out does not, swept or not."""
    found = _count.row(db, calendar=calendar, holder=holder, now=now)
    return int(found[0]) if found else 0


def check_seats(count: int, hold: HoldRow | None = None) -> None:
    """BadRequest for a number of seats that can't be, or that is more than the hold's."""
    if not 1 <= count <= rules.MOST_SEATS:
        raise BadRequest(f"`seats` is 1 to {rules.MOST_SEATS}.", field="seats")
    if hold is not None and count > hold.seats:
        raise BadRequest("A hold can be booked with its own seats or fewer.", field="seats")


def seat(batch: Batch, slot: SlotRow, seq: int, count: int, hold: HoldRow | None, *, is_paid: bool) -> None:
    """Seats a booking: with a hold that pays, its seats, and the hold alone is asked; else seats that are free."""
    if hold is not None and is_paid:
        end(batch, hold, HoldState.BOOKED)
        seats.shift(batch, slot.id, seq, held=-hold.seats, booked=count)
        return
    rules.check_notice(rules.policy_of(batch.calendar(slot.calendar)), slot, batch.now)
    if hold is not None and hold.state == HoldState.ACTIVE:  # its grace keeps others out, not its holder
        lapse(batch, [hold], seq)
    take(batch, slot, seq, booked=count)


def find(batch: Batch, given: HeldSeat) -> HoldRow:
    """The hold, once its token has shown that it is the asker's."""
    row = _read.row(batch.db, hold=given.id) if UUID.fullmatch(given.id) else None
    if row is None:
        raise NotFound(what="hold")
    if not batch.tokens.is_token(given.token, "hold", given.id):
        raise HoldNotYours
    hold = HoldRow._make(row)
    seats.check_home(batch, hold.calendar)
    return hold


def find_on(batch: Batch, given: HeldSeat, slot: SlotRow) -> HoldRow:
    """The hold that is to pay for this slot."""
    hold = find(batch, given)
    if hold.slot != slot.id:
        raise BadRequest("The hold is on another slot.", field="hold")
    return hold


def is_usable(hold: HoldRow, received: int, *, if_still_free: bool) -> bool:
    """Whether the hold pays; False to try the plain way, once it ran out and if the asker said so."""
    try:
        check_active(hold, received)
    except HoldExpired:
        if if_still_free:
            return False
        raise
    return True


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
    seats.shift(batch, hold.slot, seq)
    seats.tell(batch, hold.calendar, Type.SLOT_HELD)
    return Done(hold.calendar, "hold", public(hold._replace(expires_at=expires_at)), token="hold")


def release_hold(batch: Batch, command: ReleaseHold) -> Done:
    """`hold.release`: gives the seats back; done already, it changes nothing."""
    hold = find(batch, command.hold)
    if hold.state == HoldState.BOOKED:
        raise InvalidTransition("The hold was booked: cancel the booking.", rule="hold_ended")
    if hold.state == HoldState.ACTIVE:
        seq = log.next_seq(batch, hold.calendar)
        end(batch, hold, HoldState.RELEASED)
        seats.shift(batch, hold.slot, seq, held=-hold.seats)
        seats.tell(batch, hold.calendar, Type.SLOT_RELEASED)
    return Done(hold.calendar, "hold", public(hold))


def lapse_holds(batch: Batch, command: LapseHolds) -> Done:
    """The sweep: at most 200 holds, and so at most 200 slots, in one change. Answers how many went."""
    rows = _lapsed_in.rows(batch.db, calendar=command.calendar, expired=batch.now - rules.GRACE)
    lapsed = [HoldRow._make(row) for row in rows]
    if lapsed:
        lapse(batch, lapsed, log.next_seq(batch, command.calendar))
        seats.tell(batch, command.calendar, Type.SLOT_EXPIRED)
    return Done(command.calendar, "lapsed", len(lapsed))
