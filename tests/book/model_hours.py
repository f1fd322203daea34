"""Opening hours in plain Python: what setting and filling them does to the model, and which times are to be opened."""

from __future__ import annotations

from models.clock import DAY
from tests.book.model import Hours, Model, Slot, Times


def set_schedule(model: Model, calendar: str, hours: Hours) -> list[Times]:
    found, today = model.in_use(calendar), model.now // DAY
    found.hours, found.generated_until = hours, hours.horizon(today)
    wanted = [times for times in hours.expand(today - 1, found.generated_until) if times[0] > model.now]
    standing, left, kept = standing_in(model, calendar), set(wanted), []
    times_there = {(slot.start, slot.end) for slot in standing.values()}
    for name, slot in standing.items():
        if not slot.is_scheduled:
            continue
        if slot.start <= model.now:
            kept += [slot] if model.taken(name) else []
        elif (slot.start, slot.end) in left:
            left.discard((slot.start, slot.end))
            slot.capacity = max(hours.capacity, model.taken(name))
            slot.state, slot.is_dropped = "open" if slot.is_dropped else slot.state, False
        elif model.taken(name):
            kept.append(slot)
            slot.state, slot.is_dropped = "closed", True
        else:
            slot.state = "removed"
    return [times for times in sorted(left) if times not in times_there and not is_near(times, kept)]


def fill(model: Model, calendar: str) -> list[Times]:
    found, today = model.calendars[calendar], model.now // DAY
    if found.hours is None or found.is_archived or found.hours.horizon(today) <= found.generated_until:
        return []
    first, found.generated_until = max(found.generated_until + 1, today - 1), found.hours.horizon(today)
    wanted = [times for times in found.hours.expand(first, found.generated_until) if times[0] > model.now]
    standing = standing_in(model, calendar)
    kept = [slot for slot in standing.values() if slot.is_dropped]
    times_there = {(slot.start, slot.end) for slot in standing.values()}
    return [times for times in wanted if times not in times_there and not is_near(times, kept)]


def standing_in(model: Model, calendar: str) -> dict[str, Slot]:
    ahead = [(slot.start, name) for name, slot in model.slots.items() if slot.calendar == calendar]
    return {
        name: model.slots[name]
        for _, name in sorted(ahead)
        if model.slots[name].state != "removed" and model.slots[name].end > model.now
    }


def is_near(times: Times, kept: list[Slot]) -> bool:
    return any(slot.start < times[1] and times[0] < slot.end for slot in kept)
