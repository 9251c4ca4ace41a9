import type { Scope } from "../../scope.ts";
import { h, setText } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { LabApp } from "../app.ts";
import { visit } from "../spans.ts";
import { nameOf } from "./rows.ts";

const REST_MS = 150;
const MOST_ROWS = 200; // nobody listens to more, and a day has thousands

/** What the active detector finds in the window, for those who do not see the picture. */
export class SegmentsTable {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #caption = h("caption");
  readonly #body = h("tbody");
  readonly #scope: Scope;
  #cancel: (() => void) | null = null;
  #shown = "";

  constructor(app: LabApp, viewport: Viewport, scope: Scope) {
    const { segmentColumns } = app.words;
    this.#app = app;
    this.#scope = scope;
    this.#viewport = viewport;
    const heads = segmentColumns.map((name) => h("th", { scope: "col" }, name));
    const table = h("table", {}, this.#caption, h("thead", {}, h("tr", {}, ...heads)), this.#body);
    this.node = h("div", { class: "sp-vh" }, table);
  }

  /** Follows when lines, edges and the window have come to rest. */
  update(): void {
    this.#cancel?.();
    this.#cancel = this.#scope.timeout(() => this.#show(), REST_MS);
  }

  #show(): void {
    const { store, words } = this.#app;
    const { lane } = store;
    if (!lane || store.moving) return;
    const { start_s, span_s } = this.#viewport;
    const rows: string[][] = [];
    visit(lane.spans, start_s, start_s + span_s, (from_s, to_s, i) => {
      if (rows.length < MOST_ROWS)
        rows.push([
          String(i + 1),
          clock(from_s, 2),
          clock(to_s, 2),
          words.base.seconds((to_s - from_s).toFixed(2)),
        ]);
    });
    const key = JSON.stringify([lane.detector.label, rows]);
    if (key === this.#shown) return;
    this.#shown = key;
    setText(this.#caption, words.segmentsOf(nameOf(lane.detector, words)));
    this.#body.replaceChildren(
      ...rows.map(([number = "", ...times]) =>
        h("tr", {}, h("th", { scope: "row" }, number), ...times.map((time) => h("td", {}, time))),
      ),
    );
  }
}
