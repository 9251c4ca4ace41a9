import { type ReadonlySignal, signal } from "@preact/signals-core";
import { assert } from "./assert.ts";
import { Player } from "./play/player.ts";
import { Scope } from "./scope.ts";
import { SessionStore } from "./store/session.ts";
import { Windows } from "./store/windows.ts";
import { type Answer, Channel, type Gone, kernelOf, type Model, onKernelGone } from "./wire/channel.ts";
import type { Failure } from "./wire/messages.ts";

/** What every widget's kernel can be asked for. */
type Common = "window" | "audio";

/** A command that was sent and not answered yet. */
interface Waiting {
  name: string;
  since_ms: number;
}

/** Nothing is asked of a kernel that has gone; the status line says why. */
const KERNEL_GONE: Failure = { kind: "gone", title: "", text: "" };

/** What all widgets have: their kernel, the past that is fetched by window, the speakers. Several views share it; it
 * ends with the model.
 */
export abstract class WidgetApp<Name extends string> {
  readonly scope: Scope;
  readonly session = new SessionStore();
  readonly windows: Windows;
  readonly player: Player;
  protected readonly model: Model;
  protected readonly channel: Channel<Name | Common>;
  /** The kernel has said something: it is there, or was. */
  readonly answered = signal(false);
  /** What became of a kernel that has gone: nobody will answer any more. */
  readonly gone = signal<Gone | null>(null);
  /** Unanswered commands, the oldest first; not those that may take long. */
  readonly waiting = signal<readonly Waiting[]>([]);
  /** Commands that a kernel may need long for: waiting for them does not mean that it does not answer. */
  protected abstract readonly slow: ReadonlySet<string>;
  #heard_ms = performance.now();
  readonly #locale: ReadonlySignal<string>;

  constructor(model: Model, stop?: AbortSignal) {
    this.scope = new Scope(stop);
    this.model = model;
    this.channel = new Channel(model, this.scope);
    this.windows = new Windows(this.session, (args) => this.ask("window", { ...args }), this.scope);
    this.player = new Player((args) => this.ask("audio", args), this.scope);
    onKernelGone(model, this.scope, (how) => this.#leave(how));
    const locale = signal(model.get("locale"));
    this.#locale = locale;
    this.#on("change:locale", () => {
      locale.value = model.get("locale");
    });
    this.#on("msg:custom", (content: unknown, buffers: DataView[]) => {
      if (!isMessage(content)) return;
      this.answered.value = true;
      this.gone.value = null; // it was only the connection
      this.#heard_ms = performance.now();
      this.receive(content, buffers);
    });
  }

  /** Of the reader: as given in Python, else the browser's. */
  get locale(): string {
    return this.#locale.value || navigator.language;
  }

  /** The class of what the saved notebook shows of this widget. */
  get kept(): string {
    return String(this.model.get("_kept_class") ?? "");
  }

  protected abstract receive(message: object, buffers: DataView[]): void;

  /** When the kernel last said anything, on the page's clock. */
  get heard_ms(): number {
    return this.#heard_ms;
  }

  /** Whether the kernel runs a cell; null where the notebook does not say. */
  get kernelRuns(): boolean | null {
    const status = kernelOf(this.model)?.status;
    return status === undefined ? null : status === "busy";
  }

  /** Stops the cell that keeps the kernel busy; null where the notebook does not let a widget do that. */
  get interrupt(): (() => void) | null {
    const kernel = kernelOf(this.model);
    return kernel && (() => void kernel.interrupt());
  }

  protected ask(name: Name | Common, args: Record<string, unknown> = {}): Promise<Answer> {
    if (this.gone.value) return Promise.resolve({ failure: KERNEL_GONE, data: {}, buffers: [] });
    const answer = this.channel.command(name, args);
    if (this.slow.has(name)) return answer;
    const asked = { name, since_ms: performance.now() };
    this.waiting.value = [...this.waiting.value, asked];
    void answer.then(() => {
      this.waiting.value = this.waiting.value.filter((other) => other !== asked);
    });
    return answer;
  }

  /** The kernel has gone: what waits for it is let go. */
  protected abandon(): void {
    this.channel.abandon(KERNEL_GONE);
  }

  #leave(how: Gone): void {
    if (this.gone.value) return;
    this.gone.value = how;
    this.abandon();
  }

  /** The kernel then sends all that it knows. */
  protected greet(): void {
    this.channel.trySend({ type: "hello", client_id: this.channel.client_id });
  }

  #on(event: "msg:custom", handler: (content: unknown, buffers: DataView[]) => void): void;
  #on(event: "change:locale", handler: () => void): void;
  #on(event: string, handler: (content: unknown, buffers: DataView[]) => void): void {
    this.model.on(event as "msg:custom", handler);
    this.scope.own(() => this.model.off(event as "msg:custom", handler));
  }
}

/** A custom message has an object with a `type`; anything else is not ours. */
function isMessage(content: unknown): content is object {
  return typeof content === "object" && content !== null && "type" in content;
}

interface InitializeProps {
  model: Model;
  signal?: AbortSignal;
}

interface RenderProps extends InitializeProps {
  el: HTMLElement;
}

/** An anywidget module: called once for each model, so that the state of a model lives in this closure.
 *
 * Hosts that know no `signal` call what is returned; both end the same scope.
 */
export function widgetModule<App extends { scope: Scope }>(
  open: (model: Model, stop?: AbortSignal) => App,
  mount: (app: App, el: HTMLElement, scope: Scope) => void,
) {
  return () => {
    let app: App | undefined;
    return {
      /** Returns at once: kernel messages are refused for good if this takes two seconds. */
      initialize({ model, signal }: InitializeProps): () => void {
        const started = open(model, signal);
        app = started;
        return () => started.scope.dispose();
      },

      render({ el, signal }: RenderProps): () => void {
        assert(app, "rendered before it was initialised");
        const scope = new Scope(signal);
        mount(app, el, scope);
        return () => scope.dispose();
      },
    };
  };
}
