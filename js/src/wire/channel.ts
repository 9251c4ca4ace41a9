import type { AnyModel } from "@anywidget/types";
import type { Scope } from "../scope.ts";
import type { CommandName, Failure, Reply, ToKernel, Traits } from "./messages.ts";

export type Model = AnyModel<Traits & Record<string, unknown>>;

/** What became of a command. */
export interface Answer {
  /** The kernel's reason not to do it; null when it was done (or the widget went away). */
  failure: Failure | null;
  data: Record<string, unknown>;
  buffers: readonly DataView[];
}

const CHUNK_BYTES = 512 * 1024; // well below the size at which notebook servers cut the connection
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
      return false; // the connection went first: nobody is there to receive it
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
      if (!sent) this.settle({ type: "reply", id, error: null, data: {} });
    });
  }

  settle({ id, error, data }: Reply, buffers: readonly DataView[] = []): void {
    this.#waiting.get(id)?.({ failure: error, data, buffers });
  }

  /** Lets go of every command: nobody will answer. `failure` is what is told of those that were not done. */
  abandon(failure: Failure | null = null): void {
    for (const settle of [...this.#waiting.values()]) settle({ ...NOTHING, failure });
  }
}

/** Sends a file to the kernel in pieces; resolves to the id under which the kernel knows it. */
export async function uploadFile(channel: Channel, file: File): Promise<string> {
  const file_id = crypto.randomUUID();
  const { name, size } = file;
  let offset = 0;
  do {
    const piece = await file.slice(offset, offset + CHUNK_BYTES).arrayBuffer();
    channel.send({ type: "file", file_id, name, size, offset }, [piece]); // an empty one, too, for what is said of it
    offset += CHUNK_BYTES;
  } while (offset < size);
  return file_id;
}

/** The parts of a notebook's kernel connection that are used here. */
interface Kernel {
  interrupt(): Promise<unknown>;
  status?: string;
  statusChanged?: Emitter<string>;
  disposed?: Emitter<unknown>;
}

/** A signal as JupyterLab has them. */
interface Emitter<T> {
  connect(slot: (sender: unknown, value: T) => void): unknown;
  disconnect(slot: (sender: unknown, value: T) => void): unknown;
}

/** What became of a kernel that answers no more. */
export type Gone = "gone" | "ended";

const GONE: Readonly<Record<string, Gone>> = {
  restarting: "gone",
  autorestarting: "gone",
  terminating: "ended",
  dead: "ended",
};

/** Notebooks based on Jupyter's own widget manager give their widgets the kernel; others do not. */
export function kernelOf(model: Model): Kernel | null {
  const manager = model.widget_manager as { kernel?: Partial<Kernel> | null } | undefined;
  const kernel = manager?.kernel;
  return typeof kernel?.interrupt === "function" ? (kernel as Kernel) : null;
}

/** Calls `gone` when the kernel was restarted, shut down, or closed its side of the model.
 *
 * All of this belongs to Jupyter's own widget manager; where it has no say, a kernel that has gone is only known by its
 * silence.
 */
export function onKernelGone(model: Model, scope: Scope, gone: (how: Gone) => void): void {
  const restarted = () => gone("gone");
  for (const event of ["comm_live_update", "comm:close"]) {
    model.on(event as "msg:custom", restarted);
    scope.own(() => model.off(event as "msg:custom", restarted));
  }
  const kernel = kernelOf(model);
  follow(kernel?.statusChanged, scope, (_, status) => {
    const how = GONE[status];
    if (how) gone(how);
  });
  follow(kernel?.disposed, scope, () => gone("ended"));
}

function follow<T>(
  emitter: Emitter<T> | undefined,
  scope: Scope,
  slot: (sender: unknown, value: T) => void,
): void {
  if (typeof emitter?.connect !== "function") return;
  emitter.connect(slot);
  scope.own(() => emitter.disconnect(slot));
}
