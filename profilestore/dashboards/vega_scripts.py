"""Vega, Vega-Lite and Vega-Embed as one script, out of the package that also draws the PNG: nothing is fetched."""

from __future__ import annotations

import tempfile
from pathlib import Path

__all__ = ["vega_script"]


def vega_script(home: Path) -> str:
    """The script, which makes `vegaEmbed` known to the page.

    Bundling takes some seconds, so that it is kept under the local home, by the version of the package.
    """
    from importlib.metadata import version

    kept = home / "dashboards" / f"vega-{version('vl-convert-python')}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    import vl_convert

    # what would end the page's script element is written in another way
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False, encoding="utf-8") as part:
        part.write(script)
    Path(part.name).replace(kept)
    return script
