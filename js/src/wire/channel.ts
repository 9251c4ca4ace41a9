import type { AnyModel } from "@anywidget/types";
import type { Scope } from "../scope.ts";
import type { CommandName, Failure, FromKernel, Reply, ToKernel, Traits } from "./messages.ts";

export type Model = AnyModel<Traits & Record<string, unknown>>;

/** What became of a command. */
export interface Answer {
  /** The kernel's reason not to do it; null when it was done (or the widget went away). */
  failure: Failure | null;
  data: Record<string, unknown>;
  buffers: readonly DataView[];
}

const NOTHING: Answer = { failure: null, data: {}, buffers: [] };

/** Sends to the kernel, and keeps the commands that wait for a reply; each of them is settled exactly once. */
export class Channel<Name extends string = CommandName> {
  readonly client_id = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
  readonly #model: Pick<Model, "send">;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #next_id = 1;

  constructor(model: Pick<Model, "send">, scope: Scope) {
    this.#model = model;
    scope.own(() => this.abandon());
  }

  send(message: ToKernel<Name>, buffers: ArrayBuffer[] = []): void {
    this.#model.send(message, undefined, buffers);
  }

  /** Sends where there may be nobody left: a page that goes, a connection that is closed. Returns whether it went out. */
  trySend(message: ToKernel<Name>, buffers: ArrayBuffer[] = []): boolean {
    try {
      this.send(message, buffers);
      return true;
    } catch {
      return false; // the connection went first: there is nobody to tell
    }
  }

  /** Resolves when the kernel has answered, which may be long after. */
  command(name: Name, args: Record<string, unknown> = {}): Promise<Answer> {
    const id = this.#next_id++;
    return new Promise((resolve) => {
      this.#waiting.set(id, (answer) => {
        this.#waiting.delete(id);
        resolve(answer);
      });
      const sent = this.trySend({ type: "command", id, name, args, client_id: this.client_id });
      if (!sent) this.settle({ type: "reply", id, error: null });
    });
  }

  settle({ id, error, data }: Reply, buffers: readonly DataView[] = []): void {
    this.#waiting.get(id)?.({ failure: error ?? null, data: data ?? {}, buffers });
  }

  /** Lets go of every command: nobody will answer. */
  abandon(): void {
    for (const settle of [...this.#waiting.values()]) settle(NOTHING);
  }
}

/** A custom message has an object with a `type`; anything else is not ours. */
export function isFromKernel(content: unknown): content is FromKernel {
  return typeof content === "object" && content !== null && typeof (content as FromKernel).type === "string";
}
