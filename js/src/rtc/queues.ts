import type { Scope } from "../scope.ts";

/** As often as blocks of audio; more messages a second would bunch up in the notebook server. */
export const BATCH_MS = 40;

/** Gathers messages: the first goes at once, what comes within `BATCH_MS` of it goes together. */
export class Batch {
  readonly #send: (messages: string[]) => void;
  readonly #scope: Scope;
  #messages: string[] = [];
  #waiting = false;

  constructor(send: (messages: string[]) => void, scope: Scope) {
    this.#send = send;
    this.#scope = scope;
  }

  add(message: string): void {
    this.#messages.push(message);
    if (!this.#waiting) this.flush();
  }

  /** Sends what has been gathered, before something that must not overtake it. */
  flush(): void {
    if (this.#messages.length === 0) return;
    this.#send(this.#messages.splice(0));
    if (this.#waiting) return;
    this.#waiting = true;
    this.#scope.timeout(() => {
      this.#waiting = false;
      this.flush();
    }, BATCH_MS);
  }
}

/** Hands numbered things on in the order of their numbers, from 0, each once. */
export class InOrder<T> {
  readonly #release: (thing: T) => void;
  readonly #early = new Map<number, T>();
  #next = 0;

  constructor(release: (thing: T) => void) {
    this.#release = release;
  }

  add(seq: number, thing: T): void {
    if (seq < this.#next) return;
    this.#early.set(seq, thing);
    for (let due = this.#early.get(this.#next); due !== undefined; due = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      this.#release(due);
    }
  }
}
