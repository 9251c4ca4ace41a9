import type { App } from "../app.ts";
import { h } from "./dom.ts";
import { clock } from "./format.ts";

const ROWS = 200;

/** The stretches of speech as a table, for those who do not see the picture; kept out of sight beside the canvas. */
export class SegmentTable {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #body = h("tbody");
  #shown = "";

  constructor(app: App) {
    this.#app = app;
    const words = app.strings;
    const head = [words.start, words.end, words.text].map((text) => h("th", { scope: "col" }, text));
    const table = h(
      "table",
      {},
      h("caption", {}, words.segments),
      h("thead", {}, h("tr", {}, ...head)),
      this.#body,
    );
    this.node = h("div", { class: "sp-vh" }, table);
  }

  /** Brings the last stretches up to date. */
  update(edge_s: number): void {
    const { session, synced, strings: words } = this.#app;
    const found: { start_s: number; end_s: number; open: boolean }[] = [];
    session[synced.whose].visit(0, edge_s, edge_s, (start_s, end_s, open) =>
      found.push({ start_s, end_s, open }),
    );
    const last = found.slice(-ROWS).map(({ start_s, end_s, open }) => {
      const said = session.lines.all.filter(
        (line) => line.kind === "final" && line.start_s < end_s && line.end_s > start_s,
      );
      return [clock(start_s), open ? words.open : clock(end_s), said.map(({ text }) => text).join(" ")];
    });
    const key = JSON.stringify(last);
    if (key === this.#shown) return;
    this.#shown = key;
    const rows = last.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", { dir: "auto" }, cell))));
    this.#body.replaceChildren(...rows);
  }
}
