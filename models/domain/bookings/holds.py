"""The commands of holds: seats reserved for a short time. A hold that is not booked expires by a change."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from peewee import Database, fn

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.contract.commands.background import ExpireHolds
from models.contract.commands.holds import ExtendHold, HeldSeat, HoldSlot, ReleaseHold
from models.contract.errors import BadRequest, HoldExpired, HoldNotYours, InvalidTransition, NotFound, SlotUnavailable
from models.contract.principal import Principal
from models.contract.values.ids import UUID, new_id
from models.contract.values.time import SECOND, write_time
from models.contract.values.tokens import Tokens
from models.domain.bookings import proof
from models.domain.log import change_log
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import limits, override, rules
from models.domain.slots import capacity, neighbours
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.rows import HoldRow, HoldState, SlotRow
from models.storage.tables import Hold, Slot, columns
from models.transaction.handlers import handles
from models.transaction.routing import StaleRoute
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
_IS_AS_READ = (
    (Hold.id == bind("hold"))
    & (Hold.state == literal(HoldState.ACTIVE))
    & (Hold.slot == bind("slot"))
    & (Hold.seats == bind("seats"))
)
_end = CompiledQuery(Hold.update({Hold.state: bind("state")}).where(_IS_AS_READ))
_extend = CompiledQuery(Hold.update({Hold.expires_at: bind("expires_at")}).where(_IS_AS_READ))
_note_overridden = CompiledQuery(Hold.update({Hold.overridden: bind("overridden")}).where(Hold.id == bind("hold")))
_expired_on = CompiledQuery(
    Hold.select(*columns(Hold)).where(
        (Hold.slot == bind("slot")) & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("expired"))
    )
)
_expired_around = CompiledQuery(
    Hold.select(*columns(Hold))
    .join(Slot, on=(Hold.slot == Slot.id))
    .where(neighbours.IS_NEIGHBOUR & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("expired")))
)
_home = Slot.select(Slot.calendar).where(Slot.id == Hold.slot)
_expired_in = CompiledQuery(
    Hold.select(*columns(Hold), _home)
    .where(
        (Hold.calendar == bind("calendar"))
        & (Hold.state == literal(HoldState.ACTIVE))
        & (Hold.expires_at <= bind("expired"))
    )
    .order_by(Hold.expires_at)
    .limit(literal(SLOTS_A_CHANGE))
)
_put_right = CompiledQuery(
    Hold.update({Hold.calendar: bind("calendar"), Hold.state: bind("state")}).where(Hold.id == bind("hold"))
)


def public(row: HoldRow) -> PublicHold:
    """Return the hold without its token, which only the holder's answer has."""
    return PublicHold(id=row.id, slot=row.slot, seats=row.seats, expires_at=write_time(row.expires_at))


def take(transaction: Transaction, slot: SlotRow, seq: int, *, held: int = 0, booked: int = 0) -> None:
    """Take seats. If there are none, expire the overdue holds in the way by the same change, and try again."""
    if capacity.try_take(transaction, slot.id, seq, held=held, booked=booked):
        return
    if expire_overdue(transaction, slot, seq) and capacity.try_take(
        transaction, slot.id, seq, held=held, booked=booked
    ):
        return
    rules.check_free(capacity.find(transaction, slot.id), held + booked)
    raise SlotUnavailable


def take_over_rules(
    transaction: Transaction, slot: SlotRow, seq: int, *, held: int = 0, booked: int = 0, checks_time: bool = True
) -> list[str]:
    """Take seats for staff whatever the rules say, and return the rules passed over. Overdue holds expire first."""

    def broken(row: SlotRow) -> list[str]:
        policy = rules.policy_of(transaction.calendar(row.calendar))
        return override.broken_rules(policy, row, transaction.now, held + booked, checks_time=checks_time)

    passed = broken(slot)
    if override.GUARDED.intersection(passed) and expire_overdue(transaction, slot, seq):
        passed = broken(capacity.find(transaction, slot.id))
    is_free = not override.GUARDED.intersection(passed)
    if not is_free or not capacity.try_take(transaction, slot.id, seq, held=held, booked=booked):
        if is_free:
            passed = broken(capacity.find(transaction, slot.id))  # an outside writer has taken seats since
        capacity.force(transaction, slot.id, seq, held=held, booked=booked)
    transaction.passed = passed
    return passed


def expire_overdue(transaction: Transaction, slot: SlotRow, seq: int) -> bool:
    """Free the seats of overdue holds on the slot and its neighbours, after the grace; return False without any."""
    calendar = transaction.calendar(slot.calendar)
    expired = transaction.now - rules.GRACE
    rows = _expired_on.rows(transaction.seats_db, slot=slot.id, expired=expired)
    if rules.policy_of(calendar).rejects_overlap:
        rows += _expired_around.rows(
            transaction.seats_db, expired=expired, **neighbours.around(calendar, slot.id, slot.start, slot.end)
        )
    expire(transaction, [HoldRow._make(row) for row in rows], seq)
    return bool(rows)


def expire(transaction: Transaction, overdue: list[HoldRow], seq: int) -> None:
    """End these holds, and free their seats slot by slot."""
    counts: dict[str, int] = {}
    for hold in overdue:
        end(transaction, hold, HoldState.EXPIRED)
        counts[hold.slot] = counts.get(hold.slot, 0) + hold.seats
    for slot, count in counts.items():
        capacity.shift(transaction, slot, seq, held=-count)


@handles(HoldSlot)
def hold_slot(transaction: Transaction, command: HoldSlot) -> CommandResult:
    """`slot.hold`: hold seats for `hold_seconds`, within the policy's number of holds for one holder."""
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    policy = rules.policy_of(calendar)
    rules.check_book(command.principal, calendar)
    rules.check_not_blocked(command.principal, calendar.id)
    is_override = override.is_asked(command.principal, slot.calendar, command.override)
    if not is_override:
        rules.check_notice(policy, slot, transaction.now)
    check_seats(command.seats)
    holder = pseudonym(transaction.tokens, command.principal)
    rules.check_max_holds(policy, count_active(transaction.seats_db, slot.calendar, holder, transaction.now))
    limits.check(transaction, command.principal, calendar, slot, limits.Booker(holder, ""))
    proof.use(transaction, command.principal, calendar, command.proof)
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
    _insert.run(transaction.seats_db, hold)
    overridden: list[str] | None = None
    if is_override:
        overridden = take_over_rules(transaction, slot, seq, held=hold.seats)
        _note_overridden.execute(transaction.seats_db, hold=hold.id, overridden=" ".join(overridden))
    else:
        take(transaction, slot, seq, held=hold.seats)
    append_slot_changes(transaction, slot.calendar, Type.SLOT_HELD)
    return CommandResult(slot.calendar, "hold", public(hold), token="hold", overridden=overridden)


def pseudonym(tokens: Tokens, principal: Principal) -> str:
    """Return the pseudonym under which the principal's holds are counted. It reveals no name and no address."""
    return limits.pseudonym(tokens, principal)


def count_active(db: Database, calendar: str, holder: str, now: int) -> int:
    """Count the holds that count against `max_holds`: those that have not expired yet."""
    found = _count.row(db, calendar=calendar, holder=holder, now=now)
    return int(found[0]) if found else 0


def check_seats(count: int, hold: HoldRow | None = None) -> None:
    """Raise BadRequest for an impossible number of seats, or for more than the hold has."""
    if not 1 <= count <= rules.MOST_SEATS:
        raise BadRequest(f"`seats` is 1 to {rules.MOST_SEATS}.", field="seats")
    if hold is not None and count > hold.seats:
        raise BadRequest("A hold can be booked with its own seats or fewer.", field="seats")


def take_for_booking(
    transaction: Transaction,
    slot: SlotRow,
    seq: int,
    count: int,
    hold: HoldRow | None,
    *,
    is_covered: bool,
    is_override: bool = False,
) -> str:
    """Take the seats of a booking: the hold's own if it covers the booking, without a further check, else free ones.

    Return the rules that staff have passed over, by this or by the hold.
    """
    if hold is not None and is_covered:
        end(transaction, hold, HoldState.BOOKED)
        capacity.shift(transaction, slot.id, seq, held=-hold.seats, booked=count)
        if is_override:
            transaction.passed = hold.overridden.split()
        return hold.overridden
    if not is_override:
        rules.check_notice(rules.policy_of(transaction.calendar(slot.calendar)), slot, transaction.now)
    if hold is not None and hold.state == HoldState.ACTIVE:  # the grace keeps other customers out, not the holder
        expire(transaction, [hold], seq)
    if is_override:
        now = capacity.find(transaction, slot.id)
        return " ".join(take_over_rules(transaction, now, seq, booked=count))
    take(transaction, slot, seq, booked=count)
    return ""


def find(transaction: Transaction, given: HeldSeat) -> HoldRow:
    """Return the hold; raise HoldNotYours unless the token is the hold's."""
    hold = _find(transaction, given)
    capacity.check_route(transaction, hold.calendar)
    return hold


def _find(transaction: Transaction, given: HeldSeat) -> HoldRow:
    row = _read.row(transaction.seats_db, hold=given.id) if UUID.fullmatch(given.id) else None
    if row is None:
        raise NotFound(what="hold")
    if not transaction.tokens.is_token(given.token, "hold", given.id):
        raise HoldNotYours
    return HoldRow._make(row)


def find_on(transaction: Transaction, given: HeldSeat, slot: SlotRow) -> HoldRow:
    """Return the hold; raise BadRequest if it is on another slot."""
    hold = _find(transaction, given)
    if hold.slot != slot.id:
        raise BadRequest("The hold is on another slot.", field="hold")
    return hold


def is_usable(hold: HoldRow, received: int, *, if_still_free: bool) -> bool:
    """Say if the hold covers the booking. An expired hold raises HoldExpired, or is False with `if_still_free`."""
    try:
        check_active(hold, received)
    except HoldExpired:
        if if_still_free:
            return False
        raise
    return True


def check_active(hold: HoldRow, received: int) -> None:
    """Raise HoldExpired if the hold had ended when the request arrived, however long the request has waited since."""
    if hold.state == HoldState.EXPIRED or (hold.state == HoldState.ACTIVE and received >= hold.expires_at):
        raise HoldExpired(expired_at=write_time(hold.expires_at))
    if hold.state != HoldState.ACTIVE:
        raise InvalidTransition("The hold was booked or released.", rule="hold_ended")


def end(transaction: Transaction, hold: HoldRow, state: HoldState) -> None:
    """End an active hold. The caller moves its seats."""
    _write(transaction, _end, hold, state=int(state))


def _write(transaction: Transaction, statement: CompiledQuery, hold: HoldRow, **values: int) -> None:
    """Write an active hold. Raise StaleRoute if an outside writer has changed it since it was read."""
    done = statement.execute(transaction.seats_db, hold=hold.id, slot=hold.slot, seats=hold.seats, **values)
    if not done.rowcount:
        raise StaleRoute


@handles(ExtendHold, checks_first=True)
def extend_hold(transaction: Transaction, command: ExtendHold) -> CommandResult:
    """`hold.extend`: hold for `hold_seconds` from now, and for at most twice that from the beginning."""
    hold = find(transaction, command.held)
    check_active(hold, command.received or transaction.now)
    seconds = rules.policy_of(transaction.calendar(hold.calendar)).hold_seconds
    expires_at = min(transaction.now + seconds * SECOND, hold.created_at + 2 * seconds * SECOND)
    if expires_at <= hold.expires_at:
        return CommandResult(hold.calendar, "hold", public(hold), token="hold")
    seq = change_log.next_seq(transaction, hold.calendar)
    _write(transaction, _extend, hold, expires_at=expires_at)
    capacity.shift(transaction, hold.slot, seq)
    append_slot_changes(transaction, hold.calendar, Type.SLOT_HELD)
    return CommandResult(hold.calendar, "hold", public(hold._replace(expires_at=expires_at)), token="hold")


@handles(ReleaseHold, checks_first=True)
def release_hold(transaction: Transaction, command: ReleaseHold) -> CommandResult:
    """`hold.release`: free the seats; idempotent."""
    hold = find(transaction, command.held)
    if hold.state == HoldState.BOOKED:
        raise InvalidTransition("The hold was booked: cancel the booking.", rule="hold_ended")
    if hold.state == HoldState.ACTIVE:
        seq = change_log.next_seq(transaction, hold.calendar)
        end(transaction, hold, HoldState.RELEASED)
        capacity.shift(transaction, hold.slot, seq, held=-hold.seats)
        append_slot_changes(transaction, hold.calendar, Type.SLOT_RELEASED)
    return CommandResult(hold.calendar, "hold", public(hold))


@handles(ExpireHolds)
def expire_holds(transaction: Transaction, command: ExpireHolds) -> CommandResult:
    """Expire at most 200 holds, and so at most 200 slots, in one change. The answer has their number.

    An outside writer with triggers or foreign keys off may leave a hold without a slot, or with one of another
    calendar. It ends or goes to that calendar, and stops no other hold.
    """
    rows = _expired_in.rows(transaction.seats_db, calendar=command.calendar, expired=transaction.now - rules.GRACE)
    overdue = [HoldRow._make(row) for *row, home in rows if home == command.calendar]
    for hold, *_, home in rows:
        if home != command.calendar:
            state = HoldState.EXPIRED if home is None else HoldState.ACTIVE
            _put_right.execute(transaction.seats_db, hold=hold, calendar=home or command.calendar, state=int(state))
    if overdue:
        expire(transaction, overdue, change_log.next_seq(transaction, command.calendar))
        append_slot_changes(transaction, command.calendar, Type.SLOT_EXPIRED)
    return CommandResult(command.calendar, "lapsed", len(rows))
