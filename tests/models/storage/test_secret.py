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
