"""Cases of commands on busy times, feeds and tickets, of the importer, and of the health check."""

from __future__ import annotations

from models.contract.commands.background import CheckBusy, CheckWriter, FailBusy, RaiseFeedFloor, SetBusy, UseTicket
from models.contract.commands.calendars import AddBusy, CreateFeed, RemoveBusy, RevokeFeed
from models.contract.commands.command import Command
from models.contract.values.time import HOUR
from tests.invariants.cases.case import proves
from tests.models.driver import STAFF, Driver, new_key, results


def _source(driver: Driver) -> str:
    """Return a source of busy times that blocks the first slot."""
    text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    added = AddBusy(principal=STAFF, key=new_key(), calendar=driver.calendar, text=text)
    source = str(results(driver.service.run(added))["id"])
    driver.service.run(_busy(driver, source))
    return source


def _busy(driver: Driver, source: str, hours: int = 24) -> SetBusy:
    begin = driver.clock.now + hours * HOUR
    return SetBusy(calendar=driver.calendar, source=source, since=driver.clock.now, times=((begin, begin + HOUR),))


@proves(AddBusy)
def source_of_busy_times(driver: Driver) -> Command:
    url = "https://calendar.example/own.ics"
    return AddBusy(principal=STAFF, key=new_key(), calendar=driver.calendar, url=url)


@proves(SetBusy, "slot.updated")
def other_busy_times(driver: Driver) -> Command:
    return _busy(driver, _source(driver), 25)


@proves(RemoveBusy, "slot.updated")
def source_gone(driver: Driver) -> Command:
    return RemoveBusy(principal=STAFF, source=_source(driver))


@proves(CheckBusy)
def source_checked(driver: Driver) -> Command:
    return CheckBusy(calendar=driver.calendar, source=_source(driver), checked_at=0)


@proves(FailBusy)
def source_failing(driver: Driver) -> Command:
    return FailBusy(calendar=driver.calendar, source=_source(driver), error="It can't be reached.")


@proves(CreateFeed)
def private_feed(driver: Driver) -> Command:
    return CreateFeed(principal=STAFF, key=new_key(), calendar=driver.calendar)


@proves(RevokeFeed)
def private_feed_gone(driver: Driver) -> Command:
    made = CreateFeed(principal=STAFF, key=new_key(), calendar=driver.calendar)
    return RevokeFeed(principal=STAFF, feed=results(driver.service.run(made))["id"])


@proves(RaiseFeedFloor)
def later_sequences(driver: Driver) -> Command:
    return RaiseFeedFloor(calendar=driver.calendar)


@proves(UseTicket)
def a_used_ticket(driver: Driver) -> Command:
    return UseTicket(ticket="one", ends_at=driver.clock() + HOUR)


@proves(CheckWriter)
def a_check_of_the_writer(_driver: Driver) -> Command:
    return CheckWriter()
