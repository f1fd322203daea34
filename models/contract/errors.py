"""The refusals of commands: one class a code, raised anywhere in models and answered on every transport."""

from __future__ import annotations

from typing import Any, ClassVar


class Refused(Exception):
    """The refusal of a command, with its reason for the caller.

    `code` is the word on the wire. `retryable` is true if the same request may succeed later. `advice` is one
    sentence on the next step. `details` has the rule of the refusal and its numbers.
    """

    code: ClassVar[str]
    retryable: ClassVar[bool] = False
    fact: ClassVar[str]
    advice: ClassVar[str]

    def __init__(self, message: str = "", **details: Any) -> None:
        self.message = message or self.fact
        self.details = details
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuilt, (type(self), self.message, self.details))


def _rebuilt(kind: type[Refused], message: str, details: dict[str, Any]) -> Refused:
    return kind(message, **details)


class BadRequest(Refused):
    code = "bad_request"
    fact = "The request is not one that the server understands."
    advice = "Correct the field that `details` names; the same request will fail again."


class Unauthorized(Refused):
    code = "unauthorized"
    fact = "This needs a token, and the one given is missing, malformed or expired."
    advice = "Get a fresh token and send it again."


class Forbidden(Refused):
    code = "forbidden"
    fact = "This token does not allow that."
    advice = "Ask for a token with the scope, the calendar or the booking in question."


class HoldNotYours(Refused):
    code = "hold_not_yours"
    fact = "This token is not the hold's."
    advice = "Send the token that came with the hold, or hold the slot anew."


class Blocked(Refused):
    code = "blocked"
    fact = "Staff have blocked you here: no hold and no booking is taken from you."
    advice = "Ask the calendar's staff; the same request will be refused again."


class NotFound(Refused):
    code = "not_found"
    fact = "There is nothing with this id."
    advice = "Read the list again; it may have been removed."


class SlotUnavailable(Refused):
    code = "slot_unavailable"
    fact = "The slot can't be taken: it is full, held, closed or blocked."
    advice = "Offer another slot; if it is only held, it may come back."


class CapacityExceeded(Refused):
    code = "capacity_exceeded"
    fact = "The slot does not have that many seats."
    advice = "Ask for fewer seats, or for another slot."


class InvalidTransition(Refused):
    code = "invalid_transition"
    fact = "That can't be done in the state it is in."
    advice = "Read it again and do what its state allows."


class LimitExceeded(Refused):
    code = "limit_exceeded"
    fact = "You have as many holds or bookings as this calendar allows."
    advice = "Give up a hold or a booking, then try again; `details` names the limit."


class AlreadyExists(Refused):
    code = "already_exists"
    fact = "There is one with this id already."
    advice = "Choose another id, or update the one there is."


class CursorGone(Refused):
    code = "cursor_gone"
    fact = "This cursor is older than the log, or of another history."
    advice = "Take a fresh snapshot and go on from its cursor."


class HoldExpired(Refused):
    code = "hold_expired"
    fact = "The hold has run out."
    advice = "Hold the slot again, or book with `if_still_free`."


class VersionConflict(Refused):
    code = "version_conflict"
    fact = "It has changed since the version you named."
    advice = "Read it again and decide anew."


class TooSoon(Refused):
    code = "too_soon"
    fact = "The slot starts too soon, or has begun."
    advice = "Choose a later slot."


class TooFar(Refused):
    code = "too_far"
    fact = "The slot is further ahead than this calendar takes bookings."
    advice = "Choose an earlier slot, or come back later."


class OutsideCancellationWindow(Refused):
    code = "outside_cancellation_window"
    fact = "It is too late to cancel this booking."
    advice = "Ask the calendar's staff."


class PolicyRefused(Refused):
    code = "policy_refused"
    fact = "The calendar's policy does not allow that."
    advice = "See the rule in `details`."


class IdempotencyMismatch(Refused):
    code = "idempotency_mismatch"
    fact = "This key was used for another command."
    advice = "Make a new key for each new command."


class RateLimited(Refused):
    code = "rate_limited"
    retryable = True
    fact = "Too many requests."
    advice = "Wait as long as the answer says, then try again."


class UnsupportedEncoding(Refused):
    code = "unsupported_encoding"
    fact = "The server takes no compressed bodies."
    advice = "Send the body as it is, without `Content-Encoding`."


class MethodNotAllowed(Refused):
    code = "method_not_allowed"
    fact = "This address does not take that method."
    advice = "See `Allow` in the answer's head."


class PayloadTooLarge(Refused):
    code = "payload_too_large"
    fact = "The body is larger than the server takes."
    advice = "Send less at once: a body has 1 MB at most."


class Internal(Refused):
    code = "internal"
    retryable = True
    fact = "The server failed; the request may or may not have been done."
    advice = "Try again with the same key: it is done at most once."


class Overloaded(Refused):
    code = "overloaded"
    retryable = True
    fact = "The server can't take this now."
    advice = "Try again in a moment with the same key: it is done at most once."


class StaleExpansion(Overloaded):
    fact = "The calendar's zone, schedule or date has changed meanwhile."


EVERY: tuple[type[Refused], ...] = tuple(Refused.__subclasses__())
