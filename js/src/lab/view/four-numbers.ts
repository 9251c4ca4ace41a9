import { h, setText } from "../../view/dom.ts";
import type { LabApp } from "../app.ts";
import { shownAs } from "./metrics-table.ts";

const FOUR = ["precision", "recall", "f1", "detection_error_rate"] as const;

/** For a room: how the active detector does, in four large numbers. */
export class FourNumbers {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #values = FOUR.map(() => h("b"));

  constructor(app: LabApp) {
    this.#app = app;
    const { columns } = app.words;
    const words = FOUR.map((column) =>
      columns[column]
        .replace("-\n", "")
        .replace(/([a-z])\n/, "$1 ")
        .replace("\n", ""),
    );
    const cells = this.#values.map((value, i) => h("div", {}, value, h("span", {}, words[i] ?? "")));
    this.node = h("div", { class: "lab-four", "aria-hidden": "true" }, ...cells);
  }

  update(): void {
    const { store } = this.#app;
    const metrics = store.metrics(store.active);
    for (const [i, column] of FOUR.entries())
      setText(this.#values[i] as HTMLElement, shownAs(column, metrics?.[column] ?? null));
  }
}
