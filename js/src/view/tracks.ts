import type { Strings } from "../i18n/index.ts";
import { type Child, h, setText } from "./dom.ts";
import type { Box, Layout } from "./paint/scene.ts";

type Name = "ruler" | "wave" | "score" | "local" | "server" | "sent" | "committed" | "text" | "overview";

interface Row {
  node: HTMLElement;
  plot: HTMLElement;
  rail: HTMLElement;
}

/** The rows of the time view: names in the gutter, plot, values in the rail. The canvas lies over all of them. */
export class Tracks {
  readonly rows: ReadonlyMap<Name, Row>;
  readonly peak = h("span", { style: "top:calc(50% - 6px)", hidden: true });
  readonly #detectorKey = h("em", { class: "k" });
  readonly #detectorName = h("span");
  readonly #energyLegend: HTMLElement;

  constructor(words: Strings) {
    const range = h("span", {}, "+1");
    range.style.top = "2px";
    const low = h("span", {}, "−1");
    low.style.bottom = "2px";
    const energyKey = h("em", { class: "k is-thin", style: "--k:var(--sp-energy)" });
    this.#energyLegend = h("small", {}, energyKey, words.energyCurve);
    const legend = [h("small", {}, this.#detectorKey, this.#detectorName), this.#energyLegend];
    this.rows = new Map<Name, Row>([
      ["ruler", row("sp-ruler", "")],
      ["wave", row("is-wave", words.waveform, [h("small", {}, words.fullScale)], [range, this.peak, low])],
      ["score", row("is-score", words.score, legend)],
      ["local", row("sp-lane no-line", words.localVad)],
      ["server", row("sp-lane no-line sp-only-wide is-server", words.serverVad)],
      ["sent", row("sp-lane no-line is-sent", words.sent)],
      ["committed", row("sp-lane sp-only-wide is-committed", words.committed)],
      ["text", row("sp-text", words.text)],
      ["overview", row("sp-over", words.session)],
    ]);
  }

  get(name: Name): Row {
    const found = this.rows.get(name);
    if (!found) throw new Error(`no track ${name}`);
    return found;
  }

  showDetector(name: string, label: string): void {
    const token = ["silero", "energy", "webrtc"].includes(name) ? name : "silero";
    this.#detectorKey.style.setProperty("--k", `var(--sp-${token})`);
    setText(this.#detectorName, label);
    this.#energyLegend.hidden = name === "energy"; // it is the score itself then
  }

  /** Where the plots are inside `canvas`, measured; lanes hidden at this width are null. */
  layout(canvas: HTMLElement, ratio: number): Layout {
    const outer = canvas.getBoundingClientRect();
    const box = (name: Name): Box => {
      const { top, height } = this.get(name).plot.getBoundingClientRect();
      return { y: top - outer.top, h: height };
    };
    const lane = (name: Name) => {
      const found = box(name);
      return found.h > 0 ? found : null;
    };
    // rows that this form or width hides have no height; the overview has a canvas of its own
    const shown = [...this.rows.keys()].filter((name) => name !== "overview").map(box);
    return {
      width: outer.width,
      height: Math.max(...shown.map(({ y, h }) => (h > 0 ? y + h : 0))),
      ratio,
      ruler: box("ruler"),
      wave: box("wave"),
      score: box("score"),
      local: lane("local"),
      server: lane("server"),
      sent: lane("sent"),
      committed: lane("committed"),
      text: lane("text"),
      named: this.get("wave").plot.offsetLeft === 0 ? 12 : 0,
    };
  }
}

function row(className: string, name: string, notes: Child[] = [], rail: Child[] = []): Row {
  const label = h("div", { class: "sp-name" }, h("span", {}, name), ...notes);
  const plot = h("div", { class: "sp-plot" });
  const values = h("div", { class: "sp-rail" }, ...rail);
  return { node: h("div", { class: `sp-row ${className}` }, label, plot, values), plot, rail: values };
}
