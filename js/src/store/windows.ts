import { type Scope, Topic } from "../scope.ts";
import type { Answer } from "../wire/channel.ts";
import { decodeWindow } from "../wire/codec.ts";
import { FACTOR, levelFor } from "./pyramid.ts";
import type { SessionStore } from "./session.ts";

const MOST = 6000; // columns of one request, the kernel's limit
const TILE = 1500; // requests begin at multiples of it, so that a window that is moved asks for few
const AT_ONCE = 2;
const AGAIN_MS = 2_000; // after a refusal

type Fetch = (args: { level: number; first_column: number; columns: number }) => Promise<Answer>;

/** What someone looks at: entries of a level. */
interface Wanted {
  level: number;
  from: number;
  to: number;
}

/** Fetches the parts of the past that are looked at and not here, at the resolution at which they are looked at.
 *
 * Only what is wanted now counts: a window that was passed on the way is not asked for any more.
 */
export class Windows {
  readonly filled = new Topic<{ from_s: number }>();
  readonly #session: SessionStore;
  readonly #fetch: Fetch;
  readonly #scope: Scope;
  readonly #wanted = new Map<object, readonly Wanted[]>();
  readonly #flying: Wanted[] = [];
  #recording = 0; // rises with every new one: answers about the one before are dropped
  #resting = false;

  constructor(session: SessionStore, fetch: Fetch, scope: Scope) {
    this.#session = session;
    this.#fetch = fetch;
    this.#scope = scope;
    session.restarted.listen(scope, () => {
      this.#recording++;
      this.#flying.length = 0;
    });
  }

  /** `who` looks at `from_s` to `to_s`, so many seconds a device pixel. */
  look(who: object, from_s: number, to_s: number, s_per_px: number): void {
    this.want(who, levelFor(s_per_px / this.#session.drawing.column_s), from_s, to_s);
  }

  /** `who` wants `from_s` to `to_s` at this level, and nothing else any more; neighbours come after it. */
  want(who: object, level: number, from_s: number, to_s: number): void {
    const entry_s = this.#session.drawing.column_s * FACTOR ** level;
    const whole = Math.floor(this.#session.clock_s / entry_s) - 1; // the last entry is still growing
    const clip = (time_s: number, up: boolean) =>
      Math.max(0, Math.min(whole, up ? Math.ceil(time_s / entry_s) : Math.floor(time_s / entry_s)));
    const margin_s = (to_s - from_s) / 2;
    this.#wanted.set(who, [
      { level, from: clip(from_s, false), to: clip(to_s, true) },
      { level, from: clip(from_s - margin_s, false), to: clip(to_s + margin_s, true) },
    ]);
    this.#next();
  }

  forget(who: object): void {
    this.#wanted.delete(who);
  }

  /** Asks for the most urgent missing part, as far as requests may fly. */
  #next(): void {
    if (this.#resting) return;
    for (const urgency of [0, 1]) {
      for (const wanted of this.#wanted.values()) {
        for (;;) {
          if (this.#flying.length >= AT_ONCE) return;
          const part = wanted[urgency] && this.#missing(wanted[urgency]);
          if (!part) break;
          void this.#request(part);
        }
      }
    }
  }

  #missing({ level, from, to }: Wanted): Wanted | null {
    let begin = from;
    for (;;) {
      const missing = this.#session.drawing.columns.missing(level, begin, to);
      if (!missing) return null;
      const first = Math.max(0, Math.floor(missing[0] / TILE) * TILE);
      const flying = this.#flying.find(
        (other) => other.level === level && other.from <= missing[0] && missing[0] < other.to,
      );
      if (!flying)
        return { level, from: first, to: Math.min(Math.max(missing[1], first + TILE), first + MOST) };
      begin = flying.to;
      if (begin >= to) return null;
    }
  }

  async #request(part: Wanted): Promise<void> {
    const recording = this.#recording;
    const columns = part.to - part.from;
    this.#flying.push(part);
    const { failure, data, buffers } = await this.#fetch({
      level: part.level,
      first_column: part.from,
      columns,
    });
    if (recording !== this.#recording || this.#scope.disposed) return;
    this.#flying.splice(this.#flying.indexOf(part), 1);
    if (failure || buffers.length === 0) return this.#rest();
    const { drawing } = this.#session;
    drawing.fill(decodeWindow(data, buffers, columns));
    this.filled.emit({ from_s: part.from * FACTOR ** part.level * drawing.column_s });
    this.#next();
  }

  #rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    this.#scope.timeout(() => {
      this.#resting = false;
      this.#next();
    }, AGAIN_MS);
  }
}
