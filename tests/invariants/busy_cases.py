"""Cases of commands on busy times and feeds, and of the importer's own commands."""

from __future__ import annotations

from models.contract import commands
from models.contract.commands import Command
from models.contract.time import HOUR
from tests.invariants.case import proves
from tests.models.driver import STAFF, Driver, new_key, results


def _source(driver: Driver) -> str:
    """Return a source of busy times that blocks the first slot."""
    text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    added = commands.AddBusy(principal=STAFF, key=new_key(), calendar=driver.calendar, text=text)
    source = str(results(driver.service.run(added))["id"])
    driver.service.run(_busy(driver, source))
    return source


def _busy(driver: Driver, source: str, hours: int = 24) -> commands.SetBusy:
    begin = driver.clock.now + hours * HOUR
    return commands.SetBusy(
        calendar=driver.calendar, source=source, since=driver.clock.now, times=((begin, begin + HOUR),)
    )


@proves(commands.AddBusy)
def source_of_busy_times(driver: Driver) -> Command:
    url = "https://calendar.example/own.ics"
    return commands.AddBusy(principal=STAFF, key=new_key(), calendar=driver.calendar, url=url)


@proves(commands.SetBusy, "slot.updated")
def other_busy_times(driver: Driver) -> Command:
    return _busy(driver, _source(driver), 25)


@proves(commands.RemoveBusy, "slot.updated")
def source_gone(driver: Driver) -> Command:
    return commands.RemoveBusy(principal=STAFF, source=_source(driver))


@proves(commands.CheckBusy)
def source_checked(driver: Driver) -> Command:
    return commands.CheckBusy(calendar=driver.calendar, source=_source(driver), checked_at=0)


@proves(commands.FailBusy)
def source_failing(driver: Driver) -> Command:
    return commands.FailBusy(calendar=driver.calendar, source=_source(driver), error="It can't be reached.")


@proves(commands.CreateFeed)
def private_feed(driver: Driver) -> Command:
    return commands.CreateFeed(principal=STAFF, key=new_key(), calendar=driver.calendar)


@proves(commands.RevokeFeed)
def private_feed_gone(driver: Driver) -> Command:
    made = commands.CreateFeed(principal=STAFF, key=new_key(), calendar=driver.calendar)
    return commands.RevokeFeed(principal=STAFF, feed=results(driver.service.run(made))["id"])


@proves(commands.RaiseFeedFloor)
def later_sequences(driver: Driver) -> Command:
    return commands.RaiseFeedFloor(calendar=driver.calendar)
