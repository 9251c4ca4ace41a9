"""axe-core in a page: what would keep somebody out."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path("js", "node_modules", "axe-core", "axe.min.js")
_RUN = """async () => {
  const { violations } = await axe.run(".sp", { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}"""


def violations(page: Page) -> list[str]:
    """Return axe's serious and critical findings; a page that still fades would give false contrasts.

    Parameters
    ----------
    page
        A page with a widget and `SCRIPT` in it.
    """
    page.wait_for_timeout(250)
    found: list[str] = page.evaluate(_RUN)
    return found
