"""A theme that is switched in JupyterLab changes the colours of what is shown, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from harness import OpenNotebook

pytestmark = pytest.mark.e2e

WIDGETS = {"transcriber": "sp.Transcriber()", "lab": "sp.VadLab(sp.Recording.sample())"}
SEEN = """() => {
  const inside = ({ shadowRoot }) => (shadowRoot ? within(shadowRoot) : []);
  const within = (node) => [...node.querySelectorAll("*")].flatMap((one) => [one, ...inside(one)]);
  const all = within(document);
  const view = all.find((one) => one.matches(".sp-view"));
  const canvas = all.find((one) => one.matches(".sp-view > canvas"));
  if (!canvas?.width || !canvas?.height) return { places: [0], lightness: 0 };
  const top = (one) => Math.round(one.getBoundingClientRect().top);
  const flags = all.filter((one) => one.matches(".sp-flag")).map((one) => top(one) - top(view));
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [light, painted] = [0, 0];
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 128) { painted++; light += data[i + 1]; }
  return { places: [canvas.getBoundingClientRect().height, ...flags], lightness: light / painted };
}"""


def at_rest(page: Page) -> dict[str, Any]:
    """Return what is seen, with the flags of its thresholds, once it no longer changes."""
    seen: list[dict[str, Any]] = []
    for _ in range(100):
        page.wait_for_timeout(300)
        seen.append(page.evaluate(SEEN))
        if len(seen[-1]["places"]) > 1 and len(seen) > 3 and all(one == seen[-1] for one in seen[-4:]):
            return seen[-1]
    pytest.fail(f"It did not come to rest: {seen[-4:]}")


@pytest.mark.parametrize("shown", WIDGETS)
def test_the_places_stay_and_the_colours_change(open_notebook: OpenNotebook, artifacts: Path, shown: str) -> None:
    notebook = open_notebook([f"import ipyspeaches as sp\nw = {WIDGETS[shown]}\nw"])
    notebook.run_cell(0)
    page = notebook.page
    light = at_rest(page)
    switch = "(name) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${name}` })"
    page.evaluate(switch, "Dark")
    dark = at_rest(page)
    page.screenshot(path=artifacts / f"theme-{shown}-dark.png")
    assert dark["places"] == light["places"]
    assert abs(dark["lightness"] - light["lightness"]) > 10
    page.evaluate(switch, "Light")
    again = at_rest(page)
    assert again["places"] == light["places"]
    assert again["lightness"] == pytest.approx(light["lightness"], abs=1)
    assert notebook.errors == []
