"""The commands on calendars: create, list and schedule."""

import json
from pathlib import Path

from tests.cli.command import Run, check_one_line


def test_a_calendar_is_made_and_listed(run: Run) -> None:
    """The list has id, zone, visibility and name, one calendar a line."""
    assert run("calendar", "create", "yoga", "--name", "Yoga", "--zone", "Asia/Tokyo", "--private").output == "yoga\n"
    assert run("calendar", "create", "chess").code == 0
    listed = run("calendar", "list").output.splitlines()
    assert listed == ["chess\tUTC\tpublic\tchess", "yoga\tAsia/Tokyo\tprivate\tYoga"]
    check_one_line(run("calendar", "create", "yoga"), "already")


def test_a_preview_of_a_schedule_opens_nothing(run: Run, tmp_path: Path) -> None:
    """The preview counts the same slots as the schedule itself."""
    run("calendar", "create", "yoga")
    file = tmp_path / "hours.json"
    window = {"rrule": "FREQ=DAILY", "start": "09:00", "end": "11:00"}
    file.write_text(json.dumps({"windows": [window], "slot_minutes": 60, "from": "2026-01-01", "horizon_days": 7}))
    preview = run("calendar", "schedule", "yoga", str(file), "--preview").output
    done = run("calendar", "schedule", "yoga", str(file)).output
    assert preview.replace("would be ", "") == done
    assert not done.startswith("0 slots opened")
    check_one_line(run("calendar", "schedule", "yoga", str(tmp_path / "none.json")), "no JSON")
    file.write_text("[" * 100_000)
    check_one_line(run("calendar", "schedule", "yoga", str(file)), "no JSON")
