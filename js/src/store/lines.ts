import { signal } from "@preact/signals-core";
import type { RunEvent, Segment, Stage, Unsure, Waiting } from "../wire/messages.ts";

/** From the end of speech to the text, and of that: until the end was sure, and until the server had it. */
export interface Steps {
  final_s: number;
  cut_s: number | null;
  taken_s: number | null;
}

/** A row of the transcript. It keeps its object, and its key, from the first that is known of it to its final text. */
export interface Line {
  readonly key: string;
  kind: "final" | "partial" | "gap";
  start_s: number;
  end_s: number;
  text: string;
  /** How many characters of a partial will not change any more; -1 if the kernel does not say. */
  stable: number;
  language: string;
  steps: Steps | null;
  /** Words that the engine is not sure of. */
  unsure?: readonly Unsure[] | undefined;
  /** Took far longer than this server usually does. */
  slow?: boolean;
  /** how far a partial has come that was cut; absent while it is spoken */
  stage?: Stage | undefined;
  /** when the server had it, on the page's clock */
  taken_ms?: number;
  /** of a gap: what kind of loss, for words in the reader's language */
  warning?: string;
}

const LATENCIES = 10;
/** A server is known after so many texts; one is slow that took so many times its median, and so much more. */
const KNOWN = 4;
const MOMENT_S = 0.01; // of a text without an end
const SLOW = 2;
const SLOW_BY_S = 0.5;

/** Where a line ends: one that is still spoken, now. */
export function endOf(line: Line, now_s: number): number {
  return line.kind === "partial" && !line.stage ? Math.max(line.start_s, now_s) : line.end_s;
}

/** The rows of the transcript, in the order of their time. */
export class Lines {
  readonly #rows: Line[] = [];
  readonly #by_key = new Map<string, Line>();
  /** rows by the name that the kernel has for them, which may be another one later */
  readonly #by_item = new Map<string, Line>();
  readonly #latencies_s: number[] = [];
  readonly #works_s: number[] = [];
  readonly #version = signal(0);
  #keys = 0;

  /** All rows. They are changed where they are: an effect that has read them runs again then. */
  get all(): readonly Line[] {
    this.#version.value;
    return this.#rows;
  }

  /** Finals so far. */
  get finals(): number {
    return this.all.reduce((n, line) => n + (line.kind === "final" ? 1 : 0), 0);
  }

  /** Median of end of speech to final text over the last ten finals. */
  get latency_s(): number | null {
    this.#version.value;
    return median(this.#latencies_s);
  }

  clear(): void {
    this.#rows.length = 0;
    this.#by_key.clear();
    this.#by_item.clear();
    this.#latencies_s.length = this.#works_s.length = 0;
    this.#version.value++;
  }

  partial(item_id: string, start_s: number, end_s: number, text: string, stable = 0): Line | null {
    const known = this.#of(item_id, start_s, end_s);
    if (known?.kind === "final") return null; // a late partial never takes back a final
    if (known) return this.#change(known, known.stage ? { text, stable } : { text, stable, end_s });
    return this.#insert(item_id, {
      kind: "partial",
      start_s,
      end_s,
      text,
      stable,
      language: "",
      steps: null,
    });
  }

  /** Takes a partial back: what it said will not become final under this name. Returns its row. */
  withdraw(item_id: string): Line | null {
    const known = this.#by_item.get(item_id);
    if (known?.kind !== "partial") return null;
    this.#by_item.delete(item_id);
    if (known.stage) return this.#change(known, { text: "", stable: 0 }); // it still waits for its text
    this.#remove(known);
    return known;
  }

  /** Takes in which utterances wait for their final text: all of them. Returns the earliest second that changes. */
  wait(utterances: readonly Waiting[]): number {
    const now_ms = performance.now();
    const waiting = new Set(utterances.map((one) => this.#waits(one, now_ms)));
    const over = this.#rows.filter((line) => line.stage && !waiting.has(line));
    for (const line of over) this.#remove(line); // without a text: the kernel says why
    return Math.min(...[...over, ...waiting].map(({ start_s }) => start_s));
  }

  #waits({ item_id, start_s, end_s, stage, waited_s }: Waiting, now_ms: number): Line {
    const known = this.#of(item_id, start_s, end_s, item_id === null);
    const facts = { start_s, end_s, stage, taken_ms: now_ms - waited_s * 1000 };
    if (known?.kind === "final") return known;
    if (known) return this.#change(known, facts);
    return this.#insert(item_id, {
      kind: "partial",
      text: "",
      stable: 0,
      language: "",
      steps: null,
      ...facts,
    });
  }

  /** The row of an item; without one, that of the same time which waits for its text, or `unnamed` is spoken. */
  #of(item_id: string | null, start_s: number, end_s: number, unnamed = false): Line | undefined {
    const named = item_id === null ? undefined : this.#by_item.get(item_id);
    if (named) return named;
    const same = this.#rows.findLast(
      (line) =>
        (line.stage || (unnamed && line.kind === "partial")) &&
        line.start_s < Math.max(end_s, start_s + MOMENT_S) &&
        start_s < line.end_s,
    );
    if (same && item_id !== null) this.#by_item.set(item_id, same);
    return same;
  }

  /** An empty final removes its row: the server found no words. Returns null then. */
  final(segment: Segment): Line | null {
    const { item_id, start_s, end_s, text, language, latency_s, cut_s, taken_s, unsure } = segment;
    const known = this.#of(item_id, start_s, end_s);
    if (text.trim() === "") {
      if (known) this.#remove(known);
      return null;
    }
    const steps =
      latency_s === null ? null : { final_s: latency_s, cut_s: cut_s ?? null, taken_s: taken_s ?? null };
    const facts = {
      kind: "final" as const,
      start_s,
      end_s,
      text,
      stable: text.length,
      language: language ?? "",
      steps,
      unsure,
      stage: undefined,
    };
    if (known?.kind === "final") return this.#change(known, facts);
    const judged = { ...facts, slow: steps !== null && this.#measure(steps) };
    return known ? this.#change(known, judged) : this.#insert(item_id, judged);
  }

  /** Notes how long a text took; returns whether that was far longer than the server's texts before it. */
  #measure({ final_s, taken_s }: Steps): boolean {
    const work_s = final_s - (taken_s ?? 0);
    const usual_s = this.#works_s.length < KNOWN ? null : median(this.#works_s);
    for (const [kept, value] of [
      [this.#latencies_s, final_s],
      [this.#works_s, work_s],
    ] as const) {
      kept.push(value);
      if (kept.length > LATENCIES) kept.shift();
    }
    return usual_s !== null && work_s > SLOW * usual_s && work_s > usual_s + SLOW_BY_S;
  }

  gap(time_s: number, text: string, warning: string): Line {
    const facts = { start_s: time_s, end_s: time_s, text, stable: 0, language: "", steps: null, warning };
    return this.#insert(null, { kind: "gap", ...facts });
  }

  get(key: string): Line | undefined {
    return this.#by_key.get(key);
  }

  #change(line: Line, facts: Partial<Line>): Line {
    Object.assign(line, facts);
    this.#version.value++;
    return line;
  }

  #insert(item_id: string | null, facts: Omit<Line, "key">): Line {
    this.#keys += 1;
    const line = { key: item_id ?? `line ${this.#keys}`, ...facts };
    let i = this.#rows.length;
    while (i > 0 && (this.#rows[i - 1]?.start_s ?? 0) > line.start_s) i--;
    this.#rows.splice(i, 0, line);
    this.#by_key.set(line.key, line);
    if (item_id !== null) this.#by_item.set(item_id, line);
    this.#version.value++;
    return line;
  }

  #remove(line: Line): void {
    this.#rows.splice(this.#rows.indexOf(line), 1);
    this.#by_key.delete(line.key);
    for (const [item_id, of] of this.#by_item) if (of === line) this.#by_item.delete(item_id);
    this.#version.value++;
  }
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** The words of the sessions that listen along, by name. */
export class Runs {
  readonly #by_name = new Map<string, Lines>();

  /** The rows of one of them; none of a name that has not said anything. */
  of(name: string): Lines {
    const known = this.#by_name.get(name) ?? new Lines();
    this.#by_name.set(name, known);
    return known;
  }

  clear(): void {
    for (const lines of this.#by_name.values()) lines.clear();
  }

  add(event: RunEvent): void {
    const lines = this.of(event.run);
    if (event.type === "final") lines.final(event);
    else if (event.type === "warning") lines.gap(event.time_s, event.text, event.kind);
    else lines.partial(event.item_id, event.start_s, event.start_s, event.text, event.stable ?? -1);
  }

  restore(runs: Readonly<Record<string, readonly Segment[]>>): void {
    this.clear();
    for (const [name, segments] of Object.entries(runs)) {
      const lines = this.of(name);
      for (const segment of segments) lines.final(segment);
    }
  }
}
