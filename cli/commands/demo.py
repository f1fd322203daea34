"""The command `server.py demo`: makes the demo calendar."""

from __future__ import annotations

import typer

from cli.admin import opened_service
from models import demo


def make_demo(context: typer.Context) -> None:
    """Create the demo calendar, with two weeks of slots."""
    with opened_service(context) as service:
        opened = demo.seed(service)
    print(f"The calendar demo has {opened} new slots." if opened else "The calendar demo exists already.")
