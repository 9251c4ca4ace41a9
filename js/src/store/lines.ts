import { signal } from "@preact/signals-core";
import type { RunEvent, Segment } from "../wire/messages.ts";

/** A row of the transcript. A partial keeps its object when it becomes final. */
export interface Line {
  key: string;
  kind: "final" | "partial" | "gap";
  start_s: number;
  end_s: number;
  text: string;
  /** How many characters of a partial will not change any more; -1 if the kernel does not say. */
  stable: number;
  language: string;
  latency_s: number | null;
  /** of a gap: what kind of loss, for words in the reader's language */
  warning?: string;
}

const LATENCIES = 10;

/** The rows of the transcript, in the order of their time. */
export class Lines {
  readonly #rows: Line[] = [];
  readonly #by_key = new Map<string, Line>();
  readonly #latencies_s: number[] = [];
  readonly #version = signal(0);
  #gaps = 0;

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
    const sorted = [...this.#latencies_s].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const upper = sorted[middle];
    if (upper === undefined) return null;
    return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
  }

  clear(): void {
    this.#rows.length = 0;
    this.#by_key.clear();
    this.#latencies_s.length = 0;
    this.#version.value++;
  }

  partial(item_id: string, start_s: number, end_s: number, text: string, stable = 0): Line | null {
    const known = this.#by_key.get(item_id);
    if (known?.kind === "final") return null; // a late partial never takes back a final
    if (known) return this.#change(known, { text, stable, end_s });
    return this.#insert({
      key: item_id,
      kind: "partial",
      start_s,
      end_s,
      text,
      stable,
      language: "",
      latency_s: null,
    });
  }

  /** Takes a partial back: what it said will not become final under this name. Returns the row that is gone. */
  withdraw(item_id: string): Line | null {
    const known = this.#by_key.get(item_id);
    if (known?.kind !== "partial") return null;
    this.#remove(known);
    return known;
  }

  /** An empty final removes its row: the server found no words. Returns null then. */
  final({ item_id, start_s, end_s, text, language, latency_s }: Segment): Line | null {
    const known = this.#by_key.get(item_id);
    if (text.trim() === "") {
      if (known) this.#remove(known);
      return null;
    }
    if (latency_s !== null && known?.kind !== "final") {
      this.#latencies_s.push(latency_s);
      if (this.#latencies_s.length > LATENCIES) this.#latencies_s.shift();
    }
    const facts = {
      kind: "final" as const,
      start_s,
      end_s,
      text,
      stable: text.length,
      language: language ?? "",
      latency_s,
    };
    if (known) return this.#change(known, facts);
    return this.#insert({ key: item_id, ...facts });
  }

  gap(time_s: number, text: string, warning: string): Line {
    this.#gaps += 1;
    const key = `gap ${this.#gaps}`;
    return this.#insert({
      key,
      kind: "gap",
      start_s: time_s,
      end_s: time_s,
      text,
      stable: 0,
      language: "",
      latency_s: null,
      warning,
    });
  }

  get(key: string): Line | undefined {
    return this.#by_key.get(key);
  }

  #change(line: Line, facts: Partial<Line>): Line {
    Object.assign(line, facts);
    this.#version.value++;
    return line;
  }

  #insert(line: Line): Line {
    let i = this.#rows.length;
    while (i > 0 && (this.#rows[i - 1]?.start_s ?? 0) > line.start_s) i--;
    this.#rows.splice(i, 0, line);
    this.#by_key.set(line.key, line);
    this.#version.value++;
    return line;
  }

  #remove(line: Line): void {
    this.#rows.splice(this.#rows.indexOf(line), 1);
    this.#by_key.delete(line.key);
    this.#version.value++;
  }
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
