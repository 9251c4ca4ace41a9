import { signal } from "@preact/signals-core";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { WidgetApp } from "../widget.ts";
import { type Sentence, say } from "./status-line.ts";

const PATIENCE_MS = 2_000; // a kernel that says nothing for longer, although it should
const TICK_MS = 1_000; // waiting is counted in seconds

interface Watched {
  /** something comes from the kernel all the time now; not a signal, but reads those that it depends on */
  streams(): boolean;
  /** an answer may be long in coming now without a fault */
  takesTime(): boolean;
  /** sound is recorded and kept on this page meanwhile */
  keepsSound(): boolean;
}

/** What is told of a kernel that has gone, runs a cell, or does not answer. */
export class KernelWatch {
  readonly #app: WidgetApp<string>;
  readonly #watched: Watched;
  readonly #now_ms = signal(performance.now());

  constructor(app: WidgetApp<string>, watched: Watched, scope: Scope) {
    this.#app = app;
    this.#watched = watched;
    this.#tick(scope);
  }

  /** null while there is nothing to tell. */
  sentence(words: Words, recording = false): Sentence | null {
    const { gone } = this.#app;
    if (gone.value) return say(words.status[gone.value], "warn", "is-error");
    const [oldest] = this.#app.waiting.value;
    const now_ms = Math.max(this.#now_ms.value, performance.now());
    const waited_ms = oldest && !this.#watched.takesTime() ? now_ms - oldest.since_ms : 0;
    const silent_ms = now_ms - this.#app.heard_ms;
    const stalled = this.#watched.streams() && silent_ms > PATIENCE_MS;
    if (waited_ms <= PATIENCE_MS && !stalled) return null;
    const runs = this.#app.kernelRuns;
    if (runs === false && silent_ms <= PATIENCE_MS) return null; // it answers: what was asked for takes its time
    const { waits } = words;
    const waiting = (oldest && waits[oldest.name]) ?? (oldest ? waits.other : waits.words) ?? "";
    const told = (seconds: string) =>
      runs
        ? words.status.busy(seconds, recording, waiting)
        : words.status.silent(seconds, this.#watched.keepsSound());
    const seconds = Math.max(waited_ms, stalled ? silent_ms : 0) / 1000;
    const { interrupt } = this.#app;
    return {
      ...say(told(seconds.toFixed(0)), "busy", "is-warn"),
      spoken: told("").join(" "),
      ways: interrupt && runs ? [{ label: words.interrupt, run: interrupt }] : [],
    };
  }

  /** While something is waited for, the sentence is brought up to date every second. */
  #tick(scope: Scope): void {
    let cancel: (() => void) | null = null;
    scope.effect(() => {
      if (this.#app.waiting.value.length > 0 || this.#watched.streams())
        cancel ??= scope.interval(() => {
          this.#now_ms.value = performance.now();
        }, TICK_MS);
      else {
        cancel?.();
        cancel = null;
      }
    });
  }
}
