import { type ReadonlySignal, signal } from "@preact/signals-core";
import { assert } from "./assert.ts";
import { Player } from "./play/player.ts";
import { Scope } from "./scope.ts";
import { SessionStore } from "./store/session.ts";
import { Windows } from "./store/windows.ts";
import { type Answer, Channel, type Model } from "./wire/channel.ts";

/** What every widget's kernel can be asked for. */
type Common = "window" | "audio";

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
  readonly #locale: ReadonlySignal<string>;

  constructor(model: Model, stop?: AbortSignal) {
    this.scope = new Scope(stop);
    this.model = model;
    this.channel = new Channel(model, this.scope);
    this.windows = new Windows(this.session, (args) => this.ask("window", { ...args }), this.scope);
    this.player = new Player((args) => this.ask("audio", args), this.scope);
    const locale = signal(model.get("locale"));
    this.#locale = locale;
    this.#on("change:locale", () => {
      locale.value = model.get("locale");
    });
    this.#on("msg:custom", (content: unknown, buffers: DataView[]) => {
      if (!isMessage(content)) return;
      this.answered.value = true;
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

  protected ask(name: Name | Common, args: Record<string, unknown> = {}): Promise<Answer> {
    return this.channel.command(name, args);
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
