"""The base of the commands: the fields that make two requests the same command."""

from models.contract.commands.bookings import BookSlot
from models.contract.principal import OPERATOR


def test_a_record_has_the_fields_of_the_client_only() -> None:
    """Neither the key nor the caller nor the time of arrival makes another command."""
    first = BookSlot(slot="s", seats=2, key="one")
    again = BookSlot(slot="s", seats=2, key="two", principal=OPERATOR, received=5)
    assert first.recorded() == again.recorded()
    assert first.recorded() != BookSlot(slot="s", seats=3).recorded()
    assert first.recorded().keys().isdisjoint({"key", "principal", "received"})
