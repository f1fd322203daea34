"""A database keeps the fingerprint of its one secret."""

import pytest

from models.service import SlotService
from models.storage.dialect import UnusableDatabase


def test_a_service_with_another_secret_does_not_open(database: str) -> None:
    """The service layer refuses by itself, for every caller."""
    service = SlotService(database, b"the secret of the first start")
    service.open()
    service.close()
    with pytest.raises(UnusableDatabase):
        SlotService(database, b"another secret").open()


def test_a_secret_replaces_the_previous_one(database: str) -> None:
    """A service that knows the database's secret as its previous one makes its own the database's."""
    old, new = b"the secret of the first start", b"the secret after it"
    for service in (SlotService(database, old), SlotService(database, new, previous_secret=old)):
        service.open()
        service.close()
    before = SlotService(database, old, previous_secret=new)
    before.check_secret()  # signs a token, and changes nothing
    with pytest.raises(UnusableDatabase):
        SlotService(database, old).check_secret()
    after = SlotService(database, new)
    after.open()
    assert not after.why_unfit()
    after.close()
