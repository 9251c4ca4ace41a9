import { FrameLoop, type Scope } from "./scope.ts";
import type { RunEvent, SessionEvent } from "./wire/messages.ts";

/** The widget's own session among those that are compared; the kernel uses the same name. */
const MAIN = "main";

type Items = Record<string, string[]>;

/** Reports when final texts are on screen: one message for all that were painted in the same frame.
 *
 * A text is in the page when its event has been handled, so the next frame paints it, and the one after that comes when
 * it has been painted. A page that is not seen paints nothing: its texts are forgotten.
 */
export class Painted {
  readonly #send: (items: Items) => void;
  readonly #loop: FrameLoop;
  #fresh: Items = {};
  #painting: Items = {};

  constructor(send: (items: Items) => void, scope: Scope) {
    this.#send = send;
    this.#loop = new FrameLoop(scope, () => this.#frame());
    scope.listen(document, "visibilitychange", () => {
      if (!document.hidden) return;
      this.#fresh = {};
      this.#painting = {};
    });
  }

  /** Notes events whose texts are in the page now. */
  note(events: readonly (SessionEvent | RunEvent)[]): void {
    if (document.hidden) return;
    for (const event of events) {
      if (event.type !== "final" || event.text.trim() === "") continue;
      const run = "run" in event ? event.run : MAIN;
      this.#fresh[run] = [...(this.#fresh[run] ?? []), event.item_id];
      this.#loop.request();
    }
  }

  #frame(): void {
    const painted = this.#painting;
    this.#painting = this.#fresh;
    this.#fresh = {};
    if (Object.keys(painted).length > 0) this.#send(painted);
    if (Object.keys(this.#painting).length > 0) this.#loop.request();
  }
}
