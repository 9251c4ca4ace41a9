import { signal } from "@preact/signals-core";
import type { Scope } from "../../scope.ts";
import { KernelWatch } from "../../view/kernel-watch.ts";
import { type Sentence, StatusLine, say } from "../../view/status-line.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";
import { type Before, nameOf } from "./detector-rows.ts";

const NOTE_MS = 6_000;
const AGE_MS = 10_000; // "saved 20 s ago" goes on

/** What the mouse does now, when the labels were last saved, and what did not work. */
export class LabStatus {
  readonly line: StatusLine;
  readonly #app: LabApp;
  readonly #selection: Selection;
  readonly #before: () => Before | null;
  readonly #kernel: KernelWatch;
  readonly #now_ms = signal(Date.now());

  constructor(app: LabApp, selection: Selection, before: () => Before | null, scope: Scope) {
    this.#app = app;
    this.#selection = selection;
    this.#before = before;
    const never = () => false;
    const watched = { streams: never, takesTime: never, keepsSound: never };
    this.#kernel = new KernelWatch(app, watched, scope);
    const parts = {
      sentence: (note: string) => this.#sentence(note),
      counts: () => this.#counts(),
      note_ms: NOTE_MS,
      className: "lab-status",
    };
    this.line = new StatusLine(parts, scope);
    scope.effect(() => {
      if (app.note.value) this.line.note(app.note.value);
    });
    scope.interval(() => {
      this.#now_ms.value = Date.now();
    }, AGE_MS);
  }

  #sentence(note: string): Sentence {
    const { store, words, refusal, askingServer } = this.#app;
    const kernel = this.#kernel.sentence(words.base);
    if (kernel) return kernel;
    const { scoring, scoringStopped } = this.#app;
    if (scoringStopped.value) {
      const ways = [{ label: words.scoreAgain, run: () => this.#app.scoreAgain() }];
      return { ...say(words.status.scoringStopped, "info"), ways };
    }
    const error = refusal.value?.text || store.state?.saved.error;
    if (error) return say(["", error], "warn", "is-error");
    if (note) return say([note], "info");
    const before = this.#before();
    if (before) {
      const now = (store.lanes[before.index]?.spans.length ?? 0) / 2;
      return say([words.status.moving, words.counted(before.spans.length / 2, now)], "info");
    }
    if (askingServer.value) return say(words.status.asking, "info");
    if (scoring.value) return this.#scoring(scoring.value.index, scoring.value.share);
    if (!store.state || store.lanes.some(({ scores, failure }) => !scores && !failure))
      return say(words.status.loading, "info");
    const [lead = "", text = ""] = this.#selection.now.painting ? words.status.paint : words.status.look;
    return { ...say([lead, `${text} ${this.#kept()}`.trim()], "info"), spoken: `${lead} ${text}` };
  }

  #scoring(index: number, share: number): Sentence {
    const { store, words } = this.#app;
    const detector = store.lanes[index]?.detector;
    const strong = detector ? words.scoringOf(nameOf(detector, words)) : (words.status.loading[0] ?? "");
    return {
      ...say([strong, `${Math.floor(100 * share)} %`], "again"),
      spoken: strong,
      share,
      ways: [{ label: words.stopScoring, run: () => this.#app.stopScoring() }],
    };
  }

  #kept(): string {
    const { store, words } = this.#app;
    const { at, path } = store.state?.saved ?? {};
    if (!at || !path) return store.state?.can_undo ? words.notSaved : "";
    const now_ms = Math.max(this.#now_ms.value, Date.now());
    return words.saved(words.ago(Math.max(0, Math.round((now_ms - Date.parse(at)) / 1000))));
  }

  #counts(): string {
    const { store, words } = this.#app;
    if (store.truth.length === 0) return "";
    return words.counts(store.errors("false_alarms").length, store.errors("missed").length);
  }
}
