import type { Words } from "../i18n/index.ts";
import { type Child, h, setText } from "./dom.ts";
import { colourOf } from "./paint/palette.ts";
import type { Box, Layout } from "./paint/scene.ts";
import { boxIn, type Row, timeRow, waveRow } from "./time-rows.ts";

type Name = "ruler" | "wave" | "score" | "local" | "server" | "sent" | "committed" | "text" | "overview";

/** The rows of the Transcriber's time view. */
export class Tracks {
  readonly rows: ReadonlyMap<Name, Row>;
  readonly peak = h("span", { style: "top:calc(50% - 6px)", hidden: true });
  readonly #detectorKey = h("em", { class: "k" });
  readonly #detectorName = h("span");
  readonly #energyLegend: HTMLElement;

  constructor(words: Words) {
    const energyKey = h("em", { class: "k is-thin", style: "--k:var(--sp-energy)" });
    this.#energyLegend = h("small", {}, energyKey, words.energyCurve);
    const legend = [h("small", {}, this.#detectorKey, this.#detectorName), this.#energyLegend];
    this.rows = new Map<Name, Row>([
      ["ruler", row("sp-ruler", "")],
      ["wave", waveRow(words, [this.peak])],
      ["score", row("is-score", words.score, legend)],
      ["local", row("sp-lane no-line", words.localVad)],
      ["server", row("sp-lane no-line sp-only-wide is-server", words.serverVad)],
      ["sent", row("sp-lane no-line is-sent", words.sent)],
      ["committed", row("sp-lane sp-only-wide is-committed", words.committed)],
      ["text", row("sp-text", words.text)],
      ["overview", row("sp-over", words.session)],
    ]);
    for (const [name, { node }] of this.rows)
      if (name !== "ruler") node.firstElementChild?.setAttribute("title", words.about[name]);
  }

  get(name: Name): Row {
    const found = this.rows.get(name);
    if (!found) throw new Error(`no track ${name}`);
    return found;
  }

  showDetector(name: string, label: string): void {
    this.#detectorKey.style.setProperty("--k", `var(--sp-${colourOf(name)})`);
    setText(this.#detectorName, label);
    this.#energyLegend.hidden = name === "energy"; // it is the score itself then
  }

  /** Where the plots are inside `canvas`, measured; lanes hidden at this width are null. */
  layout(canvas: HTMLElement, ratio: number): Layout {
    const outer = canvas.getBoundingClientRect();
    const box = (name: Name): Box => boxIn(canvas, this.get(name));
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

function row(className: string, name: string, notes: Child[] = []): Row {
  return timeRow(className, [h("span", {}, name), ...notes]);
}

/** First run: four steps, each in the track that it is about. */
export class Lessons {
  readonly #steps: readonly HTMLElement[];

  constructor(words: Words, tracks: Tracks) {
    const { press, lift, lines, words: text } = words.steps;
    const places = [
      ["wave", press],
      ["score", lift],
      ["sent", lines],
      ["text", text],
    ] as const;
    this.#steps = places.map(([track, sentence], i) => {
      const step = h(
        "div",
        { class: `sp-step is-${i + 1}${i === 0 ? " is-first" : ""}` },
        h("b", {}, String(i + 1)),
        h("span", {}, ...withKeys(sentence)),
      );
      tracks.get(track).plot.append(step);
      return step;
    });
  }

  show(on: boolean): void {
    for (const step of this.#steps) step.hidden = !on;
  }
}

/** "Press Record{, or [R]}" -> text and a key cap; what stands in braces is shown only while keys act. */
function withKeys(sentence: string): Child[] {
  const caps = (part: string) =>
    part.split(/\[(\w+)\]/).map((text, i) => (i % 2 ? h("kbd", {}, text) : text));
  return sentence
    .split(/\{(.*?)\}/)
    .flatMap((part, i) => (i % 2 ? [h("span", { class: "for-keys" }, ...caps(part))] : caps(part)));
}
