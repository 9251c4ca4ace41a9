"""axe-core in a page: what would keep somebody out."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path("js", "node_modules", "axe-core", "axe.min.js")
# A page that still fades has other contrasts: what ends is waited for, what turns for ever is not.
_RUN = """async () => {
  const ends = (animation) => animation.effect.getComputedTiming().endTime !== Infinity;
  await Promise.allSettled(document.getAnimations().filter(ends).map(({ finished }) => finished));
  const { violations } = await axe.run(".sp", { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}"""


def violations(page: Page) -> list[str]:
    """Return axe's serious and critical findings.

    Parameters
    ----------
    page
        A page with a widget and `SCRIPT` in it.
    """
    found: list[str] = page.evaluate(_RUN)
    return found
