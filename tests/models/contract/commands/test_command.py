"""The base of the commands: the fields that make two requests the same command."""

from models.contract.commands.bookings import BookSlot, Person
from models.contract.principal import OPERATOR


def test_a_record_has_the_fields_of_the_client_only() -> None:
    """The key, the caller and the time of arrival do not make another command."""
    first = BookSlot(slot="s", customer=Person(name="Ada"), key="one")
    again = BookSlot(slot="s", customer=Person(name="Ada"), key="two", principal=OPERATOR, received=5)
    assert first.recorded() == again.recorded()
    assert first.recorded() != BookSlot(slot="s", customer=Person(name="Bob")).recorded()
    assert first.recorded().keys().isdisjoint({"key", "principal", "received"})
