"""The fixtures of the service layer's tests."""

from tests.models.conftest import clock, database, driver, pytest_generate_tests, service

__all__ = ["clock", "database", "driver", "pytest_generate_tests", "service"]
