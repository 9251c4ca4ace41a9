import type { Scope } from "../scope.ts";
import type { Viewport } from "../view/viewport.ts";
import type { LabApp } from "./app.ts";
import { atEdge, painted } from "./edits.ts";
import { indexAt } from "./intervals.ts";
import type { Selection } from "./selection.ts";
import type { ErrorKind } from "./store.ts";
import type { Spans } from "./wire.ts";

const FOLLOW_MS = 40;
const SHORTEST_S = 0.05; // less is a slip
const EAR_REACH_S = 0.3; // people are late by so much, and not always
const AROUND_S = 0.5; // of an error, so that it is heard in its place

/** Paints a region and selects it. The kernel also hears what is in view: the first region says by it which part is
 * being labelled.
 */
export async function paintSpeech(
  app: LabApp,
  { start_s: from_s, end_s: to_s }: Viewport,
  selection: Selection,
  start_s: number,
  end_s: number,
): Promise<void> {
  const seen = [from_s, Math.min(to_s, app.store.duration_s)];
  const before = selection.now;
  const done = await app.edit("paint", { start_s, end_s, seen });
  if (!done || selection.now !== before) return; // something else was chosen meanwhile
  const region = indexAt(app.store.truth, (start_s + end_s) / 2);
  selection.set({ region: region < 0 ? null : region, stretch: null, error: null });
}

/** What buttons and keys of one view do. */
export class LabActions {
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;

  /** What is labelled by ear while a key is held down. */
  #labelling: { from_s: number; to_s: number; base: Spans; stop: () => void } | null = null;
  readonly #scope: Scope;

  constructor(app: LabApp, viewport: Viewport, selection: Selection, scope: Scope) {
    this.#scope = scope;
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

  /** By ear: what plays while the key is held down is speech. Where nothing plays, the selection is; without one it
   * plays from the playhead on.
   */
  label(): void {
    const { player, store } = this.#app;
    const { stretch, head_s } = this.#selection.now;
    if (this.#labelling) return; // keys repeat
    if (!player.playing && stretch) {
      this.#paint(stretch.start_s, stretch.end_s);
      return;
    }
    if (!player.playing) this.play();
    const from_s = player.position_s ?? head_s;
    const follow = () => {
      const held = this.#labelling;
      if (!held) return;
      held.to_s = player.position_s ?? held.to_s;
      store.paint(painted(held.base, held.from_s, held.to_s));
    };
    const stop = this.#scope.interval(follow, FOLLOW_MS);
    this.#labelling = { from_s, to_s: from_s, base: Array.from(store.truth), stop };
  }

  /** The key came up. */
  endLabel(): void {
    const held = this.#labelling;
    this.#labelling = null;
    if (!held) return;
    held.stop();
    const to_s = this.#app.player.position_s ?? held.to_s;
    const snapped = (time_s: number) =>
      this.#selection.now.snap ? atEdge(time_s, this.#app.store.detected, EAR_REACH_S) : time_s;
    const [start_s, end_s] = [snapped(held.from_s), snapped(to_s)];
    if (end_s - start_s >= SHORTEST_S) this.#paint(start_s, end_s);
    else this.#app.store.paint(null);
  }

  #paint(start_s: number, end_s: number): void {
    void paintSpeech(this.#app, this.#viewport, this.#selection, start_s, end_s);
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
