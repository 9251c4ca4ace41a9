import type { Viewport } from "../view/viewport.ts";
import type { LabApp } from "./app.ts";
import { indexAt } from "./intervals.ts";
import type { Selection } from "./selection.ts";
import type { ErrorKind } from "./store.ts";

const AROUND_S = 0.5; // of an error, so that it is heard in its place

/** What buttons and keys of one view do. */
export class LabActions {
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;

  constructor(app: LabApp, viewport: Viewport, selection: Selection) {
    this.#app = app;
    this.#viewport = viewport;
    this.#selection = selection;
  }

  /** Plays what is selected, else from the playhead on; or stops. */
  play(): void {
    const { player, store } = this.#app;
    if (player.playing) {
      this.#selection.set({ head_s: player.position_s ?? this.#selection.now.head_s });
      player.stop();
      return;
    }
    const { stretch, head_s } = this.#selection.now;
    const from_s = head_s >= store.duration_s - 0.05 ? 0 : head_s;
    void player.play(stretch?.start_s ?? from_s, stretch?.end_s ?? store.duration_s);
  }

  /** The next or previous error after the one that was stepped to, else after the playhead: centred and played. */
  step(kind: ErrorKind, by: 1 | -1): void {
    const { store, player } = this.#app;
    const errors = store.errors(kind);
    if (errors.length === 0) return;
    const { error, head_s } = this.#selection.now;
    let index: number;
    if (error?.kind === kind && error.index < errors.length) index = error.index + by;
    else if (by > 0) index = errors.findIndex(([, end_s]) => end_s > head_s);
    else index = errors.findLastIndex(([start_s]) => start_s < head_s);
    index = index < 0 ? (by > 0 ? 0 : errors.length - 1) : index % errors.length;
    const [start_s, end_s] = errors[index] as [number, number];
    const stretch = {
      start_s: Math.max(0, start_s - AROUND_S),
      end_s: Math.min(store.duration_s, end_s + AROUND_S),
    };
    this.#viewport.reveal(stretch.start_s, stretch.end_s);
    this.#selection.set({ error: { kind, index }, stretch, head_s: start_s });
    void player.play(stretch.start_s, stretch.end_s);
  }

  split(): void {
    void this.#app.edit("split", { time_s: this.#selection.now.head_s });
  }

  /** Merges the selected region with the next; without one, the region under the playhead. */
  merge(): void {
    const index = this.#region();
    if (index !== null) void this.#app.edit("merge", { index });
  }

  remove(): void {
    const index = this.#region();
    if (index === null) return;
    this.#selection.set({ region: null });
    void this.#app.edit("remove", { index });
  }

  #region(): number | null {
    const { region, head_s } = this.#selection.now;
    const { truth } = this.#app.store;
    if (region !== null && 2 * region < truth.length) return region;
    const under = indexAt(truth, head_s);
    return under < 0 ? null : under;
  }
}
