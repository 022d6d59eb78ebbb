"""The six dashboards as Kibana takes them: accepted by the strict checker, byte-stable, in two languages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from profilestore.dashboards.catalogue import ONE_CUSTOMER, all_dashboards
from profilestore.dashboards.files import write_files
from profilestore.dashboards.kibana import kibana_bytes, kibana_document
from profilestore.dashboards.panels import Chart, Dashboard
from profilestore.dashboards.sources import Language, data_views
from profilestore.errors import InputError
from profilestore.settings import Settings

CHECKER = Path(__file__).resolve().parents[4] / "shared" / "kibana" / "check_dashboard.py"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
IDENTIFIERS = re.compile(r"\b(name|mail|email|phone|address|birth\w*)\b", re.IGNORECASE)


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, prefix="acme", currency="CNY", time_zone="Asia/Shanghai")


def charts(dashboards: tuple[Dashboard, ...]) -> list[Chart]:
    return [panel for each in dashboards for panel in each.charts]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_checker_accepts_all(language: Language, shop: Settings, tmp_path: Path) -> None:
    if not CHECKER.is_file():
        pytest.skip("the checker ../shared/kibana/check_dashboard.py beside the project is missing")
    paths = write_files(all_dashboards(shop, language), tmp_path / "out")
    done = subprocess.run([sys.executable, str(CHECKER), *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": ok, ") == 6


def test_files_are_the_same_bytes_each_time(shop: Settings, tmp_path: Path) -> None:
    first, second = (write_files(all_dashboards(shop), tmp_path / name) for name in ("a", "b"))
    assert [path.name for path in first] == [
        f"acme-{name}.json"
        for name in ("customers", "behaviour", "interests", "retention", "recommendations", "customer")
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    code = "from profilestore.dashboards.catalogue import all_dashboards; from profilestore.settings import Settings\n"
    code += "from profilestore.dashboards.kibana import kibana_bytes; import sys\n"
    code += "shop = Settings(prefix='acme', currency='CNY', time_zone='Asia/Shanghai')\n"
    code += "sys.stdout.buffer.write(b''.join(map(kibana_bytes, all_dashboards(shop))))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # other hash seeds
    assert other.stdout == b"".join(path.read_bytes() for path in first)


def test_a_folder_that_cannot_be_written_is_told(shop: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_files(all_dashboards(shop), tmp_path / "file")


def test_each_has_the_controls_and_the_period(shop: Settings) -> None:
    for dashboard in all_dashboards(shop, period=("2011-01-01", "2011-12-31")):
        fields = [control.field for control in dashboard.controls]
        assert fields[-3:] == ["segment", "value_tier", "category"]
        assert (fields[0] == "user_id") is (dashboard.name == ONE_CUSTOMER)
        document = kibana_document(dashboard)
        assert document["time_range"] == {"from": "2011-01-01", "to": "2011-12-31"}
        known = {view.id for view in data_views(shop)}
        assert {panel["config"]["data_view_id"] for panel in document["pinned_panels"]} <= known
        text = orjson.dumps(document).decode()
        assert set(re.findall(r'"ref_id":"([^"]+)"', text)) <= known


def test_ids_titles_and_views_carry_the_shop_s_prefix(shop: Settings) -> None:
    for dashboard in all_dashboards(shop):
        assert dashboard.id.startswith("acme-")
        assert {panel.source.index for panel in dashboard.charts} <= {view.title for view in data_views(shop)}
    assert all(view.title.startswith("acme-") for view in data_views(shop))


def test_both_languages_have_the_same_panels_and_other_words(shop: Settings) -> None:
    english, chinese = (all_dashboards(shop, language) for language in LANGUAGES)
    for one, other in zip(english, chinese, strict=True):
        assert [(p.id, p.kind, p.place) for p in one.panels] == [(p.id, p.kind, p.place) for p in other.panels]
    for panel in charts(english):
        told = panel.title + panel.description + panel.missing + "".join(m.label for m in panel.measures)
        assert re.search(r"[一-鿿]", told) is None, panel.id
    for panel in charts(chinese):
        assert re.search(r"[一-鿿]", panel.title) is not None, panel.id
        assert re.search(r"[一-鿿]", panel.missing) is not None, panel.id
        assert all(re.search(r"[一-鿿]", by.label) for by in panel.buckets), panel.id


def test_money_is_in_the_shop_s_currency_and_shares_are_percentages(shop: Settings) -> None:
    money = ("revenue", "spend_total", "clv_90d")
    for panel in charts(all_dashboards(shop)):
        for measure in panel.measures:
            if getattr(measure, "field", "") in money:
                assert measure.unit.suffix == "CNY", panel.id
    text = b"".join(map(kibana_bytes, all_dashboards(shop))).decode()
    assert '" CNY"' in text
    assert "GBP" not in text


def test_no_panel_shows_a_direct_identifier(shop: Settings) -> None:
    def fields(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [value for key, value in part.items() if key in ("field", "field_name") and isinstance(value, str)]
            return own + part.get("fields", []) + [name for value in part.values() for name in fields(value)]
        return [name for value in part for name in fields(value)] if isinstance(part, list) else []

    for dashboard in all_dashboards(shop):
        named = set(fields(kibana_document(dashboard)))
        assert len(named) > 5
        assert [name for name in named if IDENTIFIERS.search(name.replace("_", " "))] in ([], ["product_names"])
        if dashboard.name != ONE_CUSTOMER:
            assert not any(getattr(by, "field", "") == "user_id" for panel in dashboard.charts for by in panel.buckets)


def test_one_customer_leaves_out_who_switched_personalisation_off(shop: Settings) -> None:
    page = next(each for each in all_dashboards(shop) if each.name == ONE_CUSTOMER)
    assert kibana_document(page)["query"]["expression"] == 'not (personalisation: "off")'


def test_every_chart_says_what_is_missing_and_what_to_do(shop: Settings) -> None:
    for panel in charts(all_dashboards(shop)):
        assert panel.missing.endswith("."), panel.id
