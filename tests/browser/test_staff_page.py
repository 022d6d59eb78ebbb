"""The service desk's page in a real browser: all of it in the first look, at any width, and hostile names are text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from profilestore.insight.card.html import card_html
from profilestore.insight.card.parts import Block, Entry, Known
from profilestore.insight.card.staff.service_case import ServiceCase
from profilestore.insight.card.staff.staff_card import OWN, build_staff_card

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
NAME = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
BLOCKS = ("who", "worth", "risk", "orders", "refunds", "interests", "offer", "campaigns")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    profile = {
        "user_id": "u7", "age": 41, "consent": ["mail"], "attributes": {"name": NAME}, "order_count": 3,
        "spend_total": 120.5, "value_tier": "high", "churn_risk": 0.8, "churn_band": "high", "lifecycle": "at-risk",
        "category_shares": [{"name": NAME, "share": 1.0}],
    }  # fmt: skip
    known = Known(profile, {}, {}, "EUR")
    card = build_staff_card(ServiceCase(known), language="en", shop="shop", now=datetime(2026, 11, 23, tzinfo=UTC))
    said = "now, until 2026-12-02; by mail; coupon SPRING10; not redeemed"
    offer = Block("offer", "What to offer", ("asked now:",), (Entry("", (f"1. {NAME}",)),), brief=True)
    places = tuple(Entry(f"{n} {NAME}", (said,)) for n in range(2))
    card = card.with_blocks(offer, Block("campaigns", "Campaigns", entries=places, brief=True), before=OWN)
    path = tmp_path_factory.mktemp("staff") / "card.html"
    path.write_text(card_html(card), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (380, "light")])
def test_a_look_is_enough(browser: Any, page_file: Path, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert page.title() == "Customer u7"
    assert page.locator("script, img").count() == 0
    assert len(asked) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    bottoms = [page.locator(f"#{key}").bounding_box() for key in BLOCKS]
    assert all(box is not None and box["height"] > 0 for box in bottoms)
    if width == 1280:
        assert max(box["y"] + box["height"] for box in bottoms) <= 900
    context.close()
