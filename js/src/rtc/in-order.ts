/** Hands numbered things on in the order of their numbers, from 0, each once. */
export class InOrder<T> {
  readonly #take: (thing: T) => void;
  readonly #early = new Map<number, T>();
  #next = 0;

  constructor(take: (thing: T) => void) {
    this.#take = take;
  }

  put(seq: number, thing: T): void {
    if (seq < this.#next) return;
    this.#early.set(seq, thing);
    for (let due = this.#early.get(this.#next); due !== undefined; due = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      this.#take(due);
    }
  }
}
