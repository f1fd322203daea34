"""The service layer: the only way from the server and the command line to the database.

A command goes in and rows of the log come out; a query goes in and a snapshot comes out.
"""

from models.audit.audit import Finding
from models.query.busy import DueSource
from models.query.calendars import Head
from models.query.explain import is_bookable
from models.query.feeds.feed import (
    Feed,
    FeedHead,
    FeedSlot,
)
from models.query.feeds.private_feed import (
    BookingFeed,
    FeedBooking,
)
from models.query.packed_slots import PackedSlots, PlacedSlot, places_between
from models.query.page import cut
from models.query.search.booking_search import (
    Search,
)
from models.query.search.slot_search import (
    SlotSearch,
)
from models.query.snapshot import Snapshot
from models.schedule.schedule import Schedule
from models.service.slot_service import SlotService
from models.storage.cancellation import Cancellation, Cancelled, checked
from models.storage.commit_watch import CommitWatch, News
from models.storage.dialect import UnusableDatabase
from models.transaction.transaction import OnProgress, Retention, no_progress
from models.writing.command_queue import Outcome, Reply

__all__ = [
    "BookingFeed",
    "Cancellation",
    "Cancelled",
    "CommitWatch",
    "DueSource",
    "Feed",
    "FeedBooking",
    "FeedHead",
    "FeedSlot",
    "Finding",
    "Head",
    "News",
    "OnProgress",
    "Outcome",
    "PackedSlots",
    "PlacedSlot",
    "Reply",
    "Retention",
    "Schedule",
    "Search",
    "SlotSearch",
    "SlotService",
    "Snapshot",
    "UnusableDatabase",
    "checked",
    "cut",
    "is_bookable",
    "no_progress",
    "places_between",
]
