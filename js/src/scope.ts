import { effect, untracked } from "@preact/signals-core";

/** The owner of everything that must be stopped: listeners, effects, timers, frames, streams, worklets.
 *
 * A scope lives inside its parent's: disposing the parent disposes the child first. Whatever is started is started
 * through a scope, so there is no second, hand-written list of things to undo.
 */
export class Scope {
  readonly #controller = new AbortController();
  readonly #disposers: (() => void)[] = [];

  constructor(outer?: AbortSignal) {
    if (outer?.aborted) this.dispose();
    else outer?.addEventListener("abort", () => this.dispose(), { once: true, signal: this.signal });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get disposed(): boolean {
    return this.signal.aborted;
  }

  child(): Scope {
    return new Scope(this.signal);
  }

  /** Runs `disposer` when the scope ends; at once if it has ended. */
  own(disposer: () => void): void {
    if (this.disposed) disposer();
    else this.#disposers.push(disposer);
  }

  listen<E extends Event = Event>(
    target: EventTarget,
    type: string,
    handler: (event: E) => void,
    options: AddEventListenerOptions = {},
  ): void {
    target.addEventListener(type, handler as EventListener, { ...options, signal: this.signal });
  }

  /** Runs `follow` now, and again whenever a signal that it read has changed. */
  effect(follow: () => void): void {
    this.own(effect(() => follow()));
  }

  /** Runs `react` now, and again whenever a signal that `read` reads has changed. */
  watch(read: () => unknown, react: () => void): void {
    this.effect(() => {
      read();
      untracked(react);
    });
  }

  timeout(handler: () => void, delay_ms: number): () => void {
    return this.#timer(handler, delay_ms, false);
  }

  interval(handler: () => void, every_ms: number): () => void {
    return this.#timer(handler, every_ms, true);
  }

  #timer(handler: () => void, delay_ms: number, repeat: boolean): () => void {
    if (this.disposed) return () => {};
    const cancel = () => {
      if (repeat) clearInterval(id);
      else clearTimeout(id);
      this.signal.removeEventListener("abort", cancel);
    };
    const once = () => {
      cancel();
      handler();
    };
    const id = repeat ? setInterval(handler, delay_ms) : setTimeout(once, delay_ms);
    this.signal.addEventListener("abort", cancel, { once: true });
    return cancel;
  }

  /** Ends the scope; what was started last is stopped first. One failing disposer does not keep the others. */
  dispose(): void {
    if (this.disposed) return;
    this.#controller.abort();
    for (const disposer of this.#disposers.splice(0).reverse()) {
      try {
        disposer();
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** Something that happens, where a signal is something that is: each value reaches every listener. */
export class Topic<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** A listener lives as long as the scope that it was given with. */
  listen(scope: Scope, listener: (value: T) => void): void {
    this.#listeners.add(listener);
    scope.own(() => this.#listeners.delete(listener));
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/** Runs `paint` once in the next display frame, however often it is asked for. */
export class FrameLoop {
  #id = 0;
  readonly #paint: (now_ms: number) => void;

  constructor(scope: Scope, paint: (now_ms: number) => void) {
    this.#paint = paint;
    scope.own(() => {
      cancelAnimationFrame(this.#id);
      this.#id = -1;
    });
  }

  request(): void {
    if (this.#id !== 0) return;
    this.#id = requestAnimationFrame((now_ms) => {
      this.#id = 0;
      this.#paint(now_ms);
    });
  }
}
