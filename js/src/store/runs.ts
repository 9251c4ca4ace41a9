import type { FinalEvent, RunEvent } from "../wire/messages.ts";
import { Lines } from "./lines.ts";

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
    this.#by_name.clear();
  }

  add(event: RunEvent): void {
    const lines = this.of(event.run);
    if (event.type === "final") lines.final(event);
    else if (event.type === "warning") lines.gap(event.time_s, event.text, event.kind);
    else lines.partial(event.item_id, event.start_s, event.start_s, event.text, event.stable ?? -1);
  }

  restore(runs: Readonly<Record<string, readonly Omit<FinalEvent, "type">[]>>): void {
    this.clear();
    for (const [name, segments] of Object.entries(runs)) {
      const lines = this.of(name);
      for (const segment of segments) lines.final(segment);
    }
  }
}
