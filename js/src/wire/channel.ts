import type { AnyModel } from "@anywidget/types";
import type { Scope } from "../scope.ts";
import type { CommandName, Failure, FromKernel, Reply, ToKernel, Traits } from "./messages.ts";

export type Model = AnyModel<Traits & Record<string, unknown>>;

/** Sends to the kernel, and keeps the commands that wait for a reply; each of them is settled exactly once. */
export class Channel {
  readonly client_id = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
  readonly #model: Model;
  readonly #waiting = new Map<number, (failure: Failure | null) => void>();
  #next_id = 1;

  constructor(model: Model, scope: Scope) {
    this.#model = model;
    scope.own(() => {
      for (const settle of [...this.#waiting.values()]) settle(null);
    });
  }

  send(message: ToKernel, buffers: ArrayBuffer[] = []): void {
    this.#model.send(message, undefined, buffers);
  }

  /** Resolves to the kernel's failure, or null when the command was done (or the widget went away). */
  command(name: CommandName, args: Record<string, unknown> = {}): Promise<Failure | null> {
    const id = this.#next_id++;
    return new Promise((resolve) => {
      this.#waiting.set(id, (failure) => {
        this.#waiting.delete(id);
        resolve(failure);
      });
      this.send({ type: "command", id, name, args, client_id: this.client_id });
    });
  }

  settle(reply: Reply): void {
    this.#waiting.get(reply.id)?.(reply.error ?? null);
  }
}

/** A custom message has an object with a `type`; anything else is not ours. */
export function isFromKernel(content: unknown): content is FromKernel {
  return typeof content === "object" && content !== null && typeof (content as FromKernel).type === "string";
}
