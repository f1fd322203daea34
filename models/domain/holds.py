"""Holds: seats kept for a while for one who is making up their mind. They end by themselves, by a change."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from peewee import Database, fn

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.contract.commands import ExpireHolds, ExtendHold, HeldSeat, HoldSlot, Principal, ReleaseHold
from models.contract.errors import BadRequest, HoldExpired, HoldNotYours, InvalidTransition, NotFound, SlotUnavailable
from models.contract.identifiers import UUID, Tokens, new_id
from models.contract.time import SECOND, write_time
from models.domain import capacity, change_log, rules
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.tables import Hold, HoldRow, HoldState, Slot, SlotRow, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction


class PublicHold(Struct, kw_only=True):
    """A hold as its holder sees it."""

    id: str
    slot: str
    seats: int
    expires_at: str
    token: str | UnsetType = UNSET


_read = CompiledQuery(Hold.select(*columns(Hold)).where(Hold.id == bind("hold")))
_insert = CompiledInsert(Hold)
_count = CompiledQuery(
    Hold.select(fn.COUNT(Hold.id)).where(
        (Hold.calendar == bind("calendar"))
        & (Hold.holder == bind("holder"))
        & (Hold.state == literal(HoldState.ACTIVE))
        & (Hold.expires_at > bind("now"))
    )
)
_end = CompiledQuery(
    Hold.update({Hold.state: bind("state")}).where(
        (Hold.id == bind("hold")) & (Hold.state == literal(HoldState.ACTIVE))
    )
)
_extend = CompiledQuery(Hold.update({Hold.expires_at: bind("expires_at")}).where(Hold.id == bind("hold")))
_lapsed_on = CompiledQuery(
    Hold.select(*columns(Hold)).where(
        (Hold.slot == bind("slot")) & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("expired"))
    )
)
_lapsed_around = CompiledQuery(
    Hold.select(*columns(Hold))
    .join(Slot, on=(Hold.slot == Slot.id))
    .where(capacity.IS_NEIGHBOUR & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("expired")))
)
_lapsed_in = CompiledQuery(
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


def take(transaction: Transaction, slot: SlotRow, seq: int, *, held: int = 0, booked: int = 0) -> None:
    """Takes seats; if there are none, lapses the expired holds in its way inside the same change and tries again."""
    if capacity.try_take(transaction, slot.id, seq, held=held, booked=booked):
        return
    if expire_overdue(transaction, slot, seq) and capacity.try_take(
        transaction, slot.id, seq, held=held, booked=booked
    ):
        return
    rules.check_free(capacity.find(transaction, slot.id), held + booked)
    raise SlotUnavailable


def expire_overdue(transaction: Transaction, slot: SlotRow, seq: int) -> bool:
    """Gives back the seats of holds whose grace is over, on the slot and its neighbours; False if there are none."""
    calendar = transaction.calendar(slot.calendar)
    expired = transaction.now - rules.GRACE
    rows = _lapsed_on.rows(transaction.db, slot=slot.id, expired=expired)
    if rules.policy_of(calendar).rejects_overlap:
        rows += _lapsed_around.rows(
            transaction.db, expired=expired, **capacity.around(calendar, slot.id, slot.start, slot.end)
        )
    expire(transaction, [HoldRow._make(row) for row in rows], seq)
    return bool(rows)


def expire(transaction: Transaction, lapsed: list[HoldRow], seq: int) -> None:
    """Ends these holds and gives back their seats, slot by slot."""
    counts: dict[str, int] = {}
    for hold in lapsed:
        end(transaction, hold, HoldState.EXPIRED)
        counts[hold.slot] = counts.get(hold.slot, 0) + hold.seats
    for slot, count in counts.items():
        capacity.shift(transaction, slot, seq, held=-count)


@handles(HoldSlot)
def hold_slot(transaction: Transaction, command: HoldSlot) -> CommandResult:
    """`slot.hold`: seats for `hold_seconds`, as many holds a holder as the policy says."""
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    policy = rules.policy_of(calendar)
    rules.check_book(command.principal, calendar)
    rules.check_notice(policy, slot, transaction.now)
    check_seats(command.seats)
    holder = pseudonym(transaction.tokens, command.principal)
    rules.check_max_holds(policy, count_active(transaction.db, slot.calendar, holder, transaction.now))
    hold = HoldRow(
        id=new_id(transaction.now),
        calendar=slot.calendar,
        slot=slot.id,
        seats=command.seats,
        holder=holder,
        state=HoldState.ACTIVE,
        created_at=transaction.now,
        expires_at=transaction.now + policy.hold_seconds * SECOND,
    )
    seq = change_log.next_seq(transaction, slot.calendar)
    _insert.run(transaction.db, hold)
    take(transaction, slot, seq, held=hold.seats)
    capacity.append_slot_changes(transaction, slot.calendar, Type.SLOT_HELD)
    return CommandResult(slot.calendar, "hold", public(hold), token="hold")


def pseudonym(tokens: Tokens, principal: Principal) -> str:
    """Under what the asker's holds are counted; neither name nor address can be read from it."""
    return tokens.pseudonym("holder", principal.holder)


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


def seat(transaction: Transaction, slot: SlotRow, seq: int, count: int, hold: HoldRow | None, *, is_paid: bool) -> None:
    """Seats a booking: with a hold that pays, its seats, and the hold alone is asked; else seats that are free."""
    if hold is not None and is_paid:
        end(transaction, hold, HoldState.BOOKED)
        capacity.shift(transaction, slot.id, seq, held=-hold.seats, booked=count)
        return
    rules.check_notice(rules.policy_of(transaction.calendar(slot.calendar)), slot, transaction.now)
    if hold is not None and hold.state == HoldState.ACTIVE:  # its grace keeps others out, not its holder
        expire(transaction, [hold], seq)
    take(transaction, slot, seq, booked=count)


def find(transaction: Transaction, given: HeldSeat) -> HoldRow:
    """The hold, once its token has shown that it is the asker's."""
    row = _read.row(transaction.db, hold=given.id) if UUID.fullmatch(given.id) else None
    if row is None:
        raise NotFound(what="hold")
    if not transaction.tokens.is_token(given.token, "hold", given.id):
        raise HoldNotYours
    hold = HoldRow._make(row)
    capacity.check_home(transaction, hold.calendar)
    return hold


def find_on(transaction: Transaction, given: HeldSeat, slot: SlotRow) -> HoldRow:
    """The hold that is to pay for this slot."""
    hold = find(transaction, given)
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


def end(transaction: Transaction, hold: HoldRow, state: HoldState) -> None:
    """Ends an active hold; its seats are the caller's to move."""
    _end.execute(transaction.db, hold=hold.id, state=int(state))


@handles(ExtendHold)
def extend_hold(transaction: Transaction, command: ExtendHold) -> CommandResult:
    """`hold.extend`: a fresh `hold_seconds` from now, in all at most twice that from the start."""
    hold = find(transaction, command.held)
    check_active(hold, command.received or transaction.now)
    seconds = rules.policy_of(transaction.calendar(hold.calendar)).hold_seconds
    expires_at = min(transaction.now + seconds * SECOND, hold.created_at + 2 * seconds * SECOND)
    if expires_at <= hold.expires_at:
        return CommandResult(hold.calendar, "hold", public(hold), token="hold")
    seq = change_log.next_seq(transaction, hold.calendar)
    _extend.execute(transaction.db, hold=hold.id, expires_at=expires_at)
    capacity.shift(transaction, hold.slot, seq)
    capacity.append_slot_changes(transaction, hold.calendar, Type.SLOT_HELD)
    return CommandResult(hold.calendar, "hold", public(hold._replace(expires_at=expires_at)), token="hold")


@handles(ReleaseHold)
def release_hold(transaction: Transaction, command: ReleaseHold) -> CommandResult:
    """`hold.release`: gives the seats back; done already, it changes nothing."""
    hold = find(transaction, command.held)
    if hold.state == HoldState.BOOKED:
        raise InvalidTransition("The hold was booked: cancel the booking.", rule="hold_ended")
    if hold.state == HoldState.ACTIVE:
        seq = change_log.next_seq(transaction, hold.calendar)
        end(transaction, hold, HoldState.RELEASED)
        capacity.shift(transaction, hold.slot, seq, held=-hold.seats)
        capacity.append_slot_changes(transaction, hold.calendar, Type.SLOT_RELEASED)
    return CommandResult(hold.calendar, "hold", public(hold))


@handles(ExpireHolds)
def expire_holds(transaction: Transaction, command: ExpireHolds) -> CommandResult:
    """The sweep: at most 200 holds, and so at most 200 slots, in one change. Answers how many went."""
    rows = _lapsed_in.rows(transaction.db, calendar=command.calendar, expired=transaction.now - rules.GRACE)
    lapsed = [HoldRow._make(row) for row in rows]
    if lapsed:
        expire(transaction, lapsed, change_log.next_seq(transaction, command.calendar))
        capacity.append_slot_changes(transaction, command.calendar, Type.SLOT_EXPIRED)
    return CommandResult(command.calendar, "lapsed", len(lapsed))
