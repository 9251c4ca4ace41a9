import type { FinalEvent } from "../wire/messages.ts";

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
  readonly all: Line[] = [];
  readonly #by_key = new Map<string, Line>();
  readonly #latencies_s: number[] = [];
  #gaps = 0;

  /** Finals so far. */
  get finals(): number {
    return this.all.reduce((n, line) => n + (line.kind === "final" ? 1 : 0), 0);
  }

  /** Median of end of speech to final text over the last ten finals. */
  get latency_s(): number | null {
    const sorted = [...this.#latencies_s].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const upper = sorted[middle];
    if (upper === undefined) return null;
    return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
  }

  clear(): void {
    this.all.length = 0;
    this.#by_key.clear();
    this.#latencies_s.length = 0;
  }

  partial(item_id: string, start_s: number, end_s: number, text: string, stable = 0): Line | null {
    const known = this.#by_key.get(item_id);
    if (known?.kind === "final") return null; // a late partial never takes back a final
    if (known) return Object.assign(known, { text, stable, end_s });
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

  /** An empty final removes its row: the server heard no words. Returns null then. */
  final(event: Omit<FinalEvent, "type">): Line | null {
    const { item_id, start_s, end_s, text } = event;
    const known = this.#by_key.get(item_id);
    if (text.trim() === "") {
      if (known) this.#remove(known);
      return null;
    }
    const latency_s = event.latency_s ?? null;
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
      language: event.language ?? "",
      latency_s,
    };
    if (known) return Object.assign(known, facts);
    return this.#insert({ key: item_id, ...facts });
  }

  gap(time_s: number, text: string, warning = "gap"): Line {
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

  #insert(line: Line): Line {
    let i = this.all.length;
    while (i > 0 && (this.all[i - 1]?.start_s ?? 0) > line.start_s) i--;
    this.all.splice(i, 0, line);
    this.#by_key.set(line.key, line);
    return line;
  }

  #remove(line: Line): void {
    this.all.splice(this.all.indexOf(line), 1);
    this.#by_key.delete(line.key);
  }
}
