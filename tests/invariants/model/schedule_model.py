"""The schedule in plain Python: the slots to open, and the effect of setting and filling it on the model."""

from __future__ import annotations

from models.contract.values.time import DAY
from tests.invariants.model.hours import Hours, Planned
from tests.invariants.model.model import Model
from tests.invariants.model.rows import Calendar, Slot

Standing = dict[str, Slot]


def set_schedule(model: Model, calendar: str, hours: Hours) -> list[Planned]:
    found, today = model.in_use(calendar), model.now // DAY
    given = {found.hours.data} if found.hours and found.hours.own_slots else set()
    found.hours, found.generated_until = hours, hours.horizon(today)
    wanted = [one for one in hours.expand(today - 1, found.generated_until) if one.start > model.now]
    standing, left = standing_in(model, calendar), {one.times: one for one in wanted}
    kept: Standing = {}
    there = dict(standing)
    for name, slot in standing.items():
        if not slot.is_scheduled:
            continue
        if slot.start <= model.now:
            kept |= {name: slot} if model.taken(name) else {}
        elif (slot.start, slot.end) in left:
            planned = left.pop((slot.start, slot.end))
            slot.capacity = max(planned.capacity, min(slot.capacity, model.taken(name)))
            slot.data = planned.data if planned.data is not None or slot.data in given else slot.data
            slot.state, slot.is_dropped = "open" if slot.is_dropped else slot.state, False
        elif model.taken(name):
            kept[name] = slot
            slot.state, slot.is_dropped = "closed", True
        else:
            slot.state = "removed"
    found.waiting = {}
    return open_or_wait(found, list(left.values()), there, kept)


def fill(model: Model, calendar: str) -> list[Planned]:
    found, today = model.calendars[calendar], model.now // DAY
    if found.hours is None or found.is_archived:
        return []
    opened = come(model, calendar, {name for _, name in found.waiting.values() if is_gone(model, name)})
    if found.hours.horizon(today) <= found.generated_until:
        return opened
    first, found.generated_until = max(found.generated_until + 1, today - 1), found.hours.horizon(today)
    come_already = {one.times for one in opened}
    wanted = [one for one in found.hours.expand(first, found.generated_until) if one.start > model.now]
    wanted = [one for one in wanted if one.times not in come_already]
    standing = standing_in(model, calendar)
    kept = {name: slot for name, slot in standing.items() if slot.is_dropped}
    return opened + open_or_wait(found, wanted, standing, kept)


def refill(model: Model, before: Model) -> dict[str, list[Planned]]:
    """Return the waiting slots to open in each calendar, after the slots in `before` have gone."""
    opened = {}
    for calendar, found in model.calendars.items():
        names = {name for _, name in found.waiting.values() if name in before.slots}
        gone = {name for name in names if gives_way(model, before, name)}
        if gone and (coming := come(model, calendar, gone)):
            opened[calendar] = coming
    return opened


def gives_way(model: Model, before: Model, name: str) -> bool:
    slot, earlier = model.slots[name], before.slots[name]
    if slot.state == "removed":
        return earlier.state != "removed"
    is_left = before.taken(name) > 0 and not model.taken(name)
    return (slot.start, slot.end) != (earlier.start, earlier.end) or (is_left and slot.start <= model.now)


def is_gone(model: Model, name: str) -> bool:
    slot = model.slots[name]
    return slot.state == "removed" or (slot.start <= model.now and not model.taken(name))


def come(model: Model, calendar: str, gone: set[str]) -> list[Planned]:
    """Return the slots that waited behind these, without those that wait behind another one."""
    found = model.calendars[calendar]
    if found.is_archived:
        return []
    free = sorted(planned for planned, name in found.waiting.values() if name in gone)
    found.waiting = {times: one for times, one in found.waiting.items() if one[1] not in gone}
    standing = standing_in(model, calendar)
    in_the_way = {
        name: slot
        for name, slot in standing.items()
        if slot.is_dropped or (slot.is_scheduled and slot.start <= model.now and model.taken(name))
    }
    return open_or_wait(found, [one for one in free if one.start > model.now], standing, in_the_way)


def open_or_wait(found: Calendar, wanted: list[Planned], standing: Standing, in_the_way: Standing) -> list[Planned]:
    """Return the slots to open; the others wait behind the first slot in their way."""
    there, opened = {(slot.start, slot.end) for slot in standing.values()}, []
    for planned in sorted(wanted, key=lambda one: one.times):
        if planned.times in there:
            continue
        overlapping = (name for name, slot in in_the_way.items() if is_near(planned, slot))
        name = next(overlapping, None)
        if name is None:
            opened.append(planned)
        else:
            found.waiting.setdefault(planned.times, (planned, name))
    return opened


def standing_in(model: Model, calendar: str) -> Standing:
    """Return slots in order of start, then of name."""
    ahead = [(slot.start, name) for name, slot in model.slots.items() if slot.calendar == calendar]
    return {
        name: model.slots[name]
        for _, name in sorted(ahead)
        if model.slots[name].state != "removed" and model.slots[name].end > model.now
    }


def is_near(planned: Planned, slot: Slot) -> bool:
    return slot.start < planned.end and planned.start < slot.end
