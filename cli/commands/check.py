"""The command `server.py check`: audits the database and repairs it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.admin import opened_service


def check(
    context: typer.Context,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Repair the faults, by changes like any other.")] = False,
) -> int:
    """Audit the database: print one line for each fault, and end with exit code 1 if a fault is left."""
    with opened_service(context) as service:
        found = service.audit()
        for finding in found:
            print(finding)
        if found and repair:
            service.repair(found)
            left = service.audit()
            print(f"{len(found)} found, {len(left)} left")
            for finding in left:
                print(f"left: {finding}")
            found = left
    if not found:
        print("Nothing is wrong.")
    return 1 if found else 0
