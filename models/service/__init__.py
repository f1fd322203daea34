"""The service layer: the only way from the server and the command line to the database.

A command goes in and rows of the log come out; a query goes in and a snapshot comes out.
"""

from models.audit.audit import Finding
from models.domain.access.grants import is_within as may_grant
from models.query.access import AccessState, LiveSession
from models.query.blocks import LiveBlock
from models.query.busy import DueSource
from models.query.calendars import Head
from models.query.explain import is_bookable
from models.query.feeds.feed import Feed, FeedHead, FeedSlot
from models.query.feeds.private_feed import BookingFeed, FeedBooking
from models.query.packed_slots import PackedSlots, PlacedSlot, places_between
from models.query.page import cut
from models.query.search.booking_search import Search
from models.query.search.coming_search import Coming
from models.query.search.slot_search import SlotSearch
from models.query.snapshot import Snapshot
from models.schedule.schedule import Schedule
from models.service.slot_service import SlotService
from models.storage.access_tables import AccountRow
from models.storage.cancellation import Cancellation, Cancelled, checked
from models.storage.commits.commit_watch import CommitWatch, News
from models.storage.commits.foreign_commits import ForeignCommits
from models.storage.commits.notifications import Notifications
from models.storage.dialect import UnreachableDatabase, UnusableDatabase
from models.transaction.transaction import OnProgress, Retention, no_progress
from models.writing.command_queue import CommandSource, Outcome, QueuedCommand, Reply
from models.writing.write_figures import WriteFigures
from models.writing.writer_state import WriterState

__all__ = [
    "AccessState",
    "AccountRow",
    "BookingFeed",
    "Cancellation",
    "Cancelled",
    "Coming",
    "CommandSource",
    "CommitWatch",
    "DueSource",
    "Feed",
    "FeedBooking",
    "FeedHead",
    "FeedSlot",
    "Finding",
    "ForeignCommits",
    "Head",
    "LiveBlock",
    "LiveSession",
    "News",
    "Notifications",
    "OnProgress",
    "Outcome",
    "PackedSlots",
    "PlacedSlot",
    "QueuedCommand",
    "Reply",
    "Retention",
    "Schedule",
    "Search",
    "SlotSearch",
    "SlotService",
    "Snapshot",
    "UnreachableDatabase",
    "UnusableDatabase",
    "WriteFigures",
    "WriterState",
    "checked",
    "cut",
    "is_bookable",
    "may_grant",
    "no_progress",
    "places_between",
]
