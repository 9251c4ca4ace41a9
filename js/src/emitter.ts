import type { Scope } from "./scope.ts";

/** Typed notifications inside the page; a subscription lives as long as the scope that made it. */
export class Emitter<Topics extends Record<string, unknown>> {
  readonly #handlers = new Map<keyof Topics, Set<(value: never) => void>>();

  on<K extends keyof Topics>(scope: Scope, topic: K, handler: (value: Topics[K]) => void): void {
    const set = this.#handlers.get(topic) ?? new Set();
    this.#handlers.set(topic, set);
    set.add(handler);
    scope.own(() => set.delete(handler));
  }

  emit<K extends keyof Topics>(topic: K, value: Topics[K]): void {
    for (const handler of [...(this.#handlers.get(topic) ?? [])])
      (handler as (value: Topics[K]) => void)(value);
  }
}
