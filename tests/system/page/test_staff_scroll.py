"""A crowded week grid: few elements in the page, and little work for a step of its scroll."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api
from tests.system.conftest import Place
from tests.system.page.staff_page import make, open_staff
from tests.system.page.test_staff_week import WEEK, WIDER, block, on

STEPS = 20
# A step of the wheel, and the frame that draws it.
SCROLL = """(steps) => new Promise((resolve) => {
    const scroll = document.querySelector(".week-scroll");
    let left = steps;
    const step = () => {
        scroll.scrollTop += 120;
        left -= 1;
        requestAnimationFrame(() => requestAnimationFrame(left > 0 ? step : resolve));
    };
    step();
})"""


def _crowd(lanes: int) -> list[dict[str, Any]]:
    """Return 1,400 slots of a week: so many at once, of five minutes each."""
    slots = []
    for weekday in range(7):
        start = datetime.fromisoformat(on(weekday, 0, 5)["start"])
        for step in range(200):
            begin = start + timedelta(minutes=5 * (step // lanes))
            end = begin + timedelta(minutes=5)
            slots.append({"start": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"})
    return slots


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_crowded_week_has_few_elements(place: Place, api: Api, page: Page, width: int) -> None:
    """Of 1,400 slots only those near the visible part are in the page, and the others come when scrolled to."""
    calendar = f"crowded-{width}"
    slots = await make(api, calendar, _crowd(1))
    await page.set_viewport_size({"width": width, "height": 844})
    await open_staff(page, place, f"calendar={calendar}&{WEEK}")
    await expect(block(page, slots[0])).to_be_visible()
    assert await page.locator(".block").count() < 600  # at any time
    assert await page.evaluate(WIDER) == []
    await page.locator(".week-scroll").evaluate("(one) => { one.scrollTop = one.scrollHeight * 990 / 1440 - 200; }")
    await expect(block(page, slots[199])).to_be_attached()
    await expect(block(page, slots[0])).to_have_count(0)
    await page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    await expect(page.locator(".block")).to_have_count(1_400)  # the whole days go onto paper
    await page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert await page.locator(".block").count() < 600


async def test_a_scroll_costs_little(place: Place, api: Api, page: Page) -> None:
    """With eight slots beside each other a step lays out once, and its script takes less than 10 ms of CPU."""
    await make(api, "scrolled", _crowd(8), policy={"overlap": "allow"})
    await page.set_viewport_size({"width": 1280, "height": 844})
    await open_staff(page, place, f"calendar=scrolled&{WEEK}")
    await expect(page.locator(".block").first).to_be_visible()
    assert await page.locator(".week *").count() < 6_000
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})

    async def read() -> dict[str, float]:
        return {one["name"]: one["value"] for one in (await session.send("Performance.getMetrics"))["metrics"]}

    before = await read()
    await page.evaluate(SCROLL, STEPS)
    used = {name: value - before[name] for name, value in (await read()).items()}
    assert used["ScriptDuration"] < STEPS * 0.010
    assert used["LayoutCount"] <= 2 * STEPS  # a forced layout would come on top of that of each frame
