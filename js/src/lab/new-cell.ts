import type { Model } from "../wire/channel.ts";

/** The parts of a JupyterLab notebook that are used here, as Jupyter's own widget manager knows it. */
interface Cells {
  readonly cells: readonly { toJSON(): { outputs?: unknown } }[];
  insertCell(index: number, cell: { cell_type: "code"; source: string; metadata: object }): unknown;
}

/** Puts code into a new cell: below the one whose output holds a `mark`, else at the end. False where a front end lets
 * nobody do that.
 */
export function addCell(model: Model, mark: string, code: string): boolean {
  const manager = model.widget_manager as
    | { context?: { model?: { sharedModel?: Partial<Cells> } } }
    | undefined;
  const notebook = manager?.context?.model?.sharedModel;
  if (typeof notebook?.insertCell !== "function" || !notebook.cells) return false;
  const isMarked = (cell: Cells["cells"][number]) =>
    mark !== "" && JSON.stringify(cell.toJSON().outputs ?? "").includes(mark);
  const below = notebook.cells.findLastIndex(isMarked) + 1 || notebook.cells.length;
  notebook.insertCell(below, { cell_type: "code", source: code, metadata: {} });
  return true;
}
