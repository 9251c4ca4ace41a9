import { FrameLoop, type Scope } from "./scope.ts";
import type { RunEvent, SessionEvent } from "./wire/messages.ts";

/** The widget's own session among those that are compared; the kernel uses the same name. */
const MAIN = "main";

/** Final texts by the name of their session, when the kernel sent the last of them, and how long the page has had it. */
export interface PaintedTexts {
  items: Record<string, string[]>;
  sent_s: number;
  held_s: number;
}

interface Batch {
  items: Record<string, string[]>;
  sent_s: number;
  came_ms: number;
}

const NONE: Batch = { items: {}, sent_s: 0, came_ms: 0 };

/** Reports when final texts are on screen: one message for all that were painted in the same frame.
 *
 * A text is in the page when its event has been handled, so the next frame paints it, and the one after that comes when
 * it has been painted. A page that is not seen paints nothing: its texts are forgotten.
 */
export class Painted {
  readonly #send: (painted: PaintedTexts) => void;
  readonly #loop: FrameLoop;
  #fresh = NONE;
  #painting = NONE;

  constructor(send: (painted: PaintedTexts) => void, scope: Scope) {
    this.#send = send;
    this.#loop = new FrameLoop(scope, () => this.#frame());
    scope.listen(document, "visibilitychange", () => {
      if (!document.hidden) return;
      this.#fresh = NONE;
      this.#painting = NONE;
    });
  }

  /** Notes events whose texts are in the page now, and when the kernel sent them. */
  note(events: readonly (SessionEvent | RunEvent)[], sent_s: number): void {
    if (document.hidden) return;
    for (const event of events) {
      if (event.type !== "final" || event.text.trim() === "") continue;
      const run = "run" in event ? event.run : MAIN;
      const items = { ...this.#fresh.items, [run]: [...(this.#fresh.items[run] ?? []), event.item_id] };
      this.#fresh = { items, sent_s, came_ms: performance.now() };
      this.#loop.request();
    }
  }

  #frame(): void {
    const { items, sent_s, came_ms } = this.#painting;
    this.#painting = this.#fresh;
    this.#fresh = NONE;
    if (came_ms > 0) this.#send({ items, sent_s, held_s: (performance.now() - came_ms) / 1000 });
    if (this.#painting.came_ms > 0) this.#loop.request();
  }
}
