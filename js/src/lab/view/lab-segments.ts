import type { Scope } from "../../scope.ts";
import { clock } from "../../view/format.ts";
import { HiddenTable, MOST_ROWS } from "../../view/segment-table.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { LabApp } from "../app.ts";
import { visit } from "../intervals.ts";
import { nameOf } from "./detector-rows.ts";

const REST_MS = 150;

/** What the active detector finds in the window, when lines, edges and the window have come to rest. */
export function segmentsInWindow(app: LabApp, viewport: Viewport, scope: Scope): HTMLElement {
  const { store, words } = app;
  const table = new HiddenTable(words.segmentColumns);
  const show = () => {
    const { lane } = store;
    if (!lane || store.moving) return;
    const { start_s, end_s } = viewport;
    const rows: string[][] = [];
    visit(lane.spans, start_s, end_s, (from_s, to_s, i) => {
      const length = words.base.seconds((to_s - from_s).toFixed(2));
      if (rows.length < MOST_ROWS) rows.push([String(i + 1), clock(from_s, 2), clock(to_s, 2), length]);
    });
    table.show(words.segmentsOf(nameOf(lane.detector, words)), rows);
  };
  let cancel = () => {};
  scope.watch(
    () => [store.state, viewport.moves.value],
    () => {
      cancel();
      cancel = scope.timeout(show, REST_MS);
    },
  );
  return table.node;
}
