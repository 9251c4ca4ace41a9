import type { Model } from "../src/wire/channel.ts";
import { type Detector, type ToKernel, type Traits, traitName } from "../src/wire/messages.ts";

/** Traits, of the detector only what is not Silero's. */
export type Given = Partial<Omit<Traits, "detector">> & { detector?: Partial<Detector> };

const SILERO: Detector = {
  name: "silero",
  unit: "probability",
  threshold: 0.5,
  neg_threshold: 0.35,
  min_silence_duration_ms: 550,
  min_speech_duration_ms: 250,
  speech_pad_ms: 100,
  max_speech_duration_s: 30,
};

type Handler = (...values: never[]) => void;

/** A notebook's connection to the kernel. */
export class FakeConnection {
  status = "idle";
  readonly #slots = new Set<(sender: unknown, status: string) => void>();
  readonly statusChanged = {
    connect: (slot: (sender: unknown, status: string) => void) => this.#slots.add(slot),
    disconnect: (slot: (sender: unknown, status: string) => void) => this.#slots.delete(slot),
  };

  become(status: string): void {
    this.status = status;
    for (const slot of this.#slots) slot(this, status);
  }

  interrupt(): Promise<void> {
    this.become("idle");
    return Promise.resolve();
  }
}

/** Stands in for the kernel's side of the model: traits, custom messages, and a record of what the page sent. */
export class FakeModel {
  readonly sent: { message: ToKernel; buffers: ArrayBuffer[] }[] = [];
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #traits: Traits;
  /** What the page is told of the kernel, where a notebook tells it. */
  widget_manager: { kernel: FakeConnection } | undefined;
  /** Called with every message of the page. */
  onsend: (message: ToKernel, buffers: ArrayBuffer[]) => void = () => {};

  constructor({ detector, ...traits }: Given = {}) {
    this.#traits = {
      state: "idle",
      source_kind: "browser",
      source_label: "",
      source_duration_s: 0,
      pace: 1,
      take: null,
      transport: "realtime",
      server_label: "local",
      server_url: "",
      server_state: "ready",
      server_version: "0.9.0",
      model: "Systran/faster-distil-whisper-large-v3",
      language: "",
      script: "",
      models: ["Systran/faster-distil-whisper-large-v3", "Systran/faster-whisper-small"],
      loaded_models: ["Systran/faster-distil-whisper-large-v3", "silero_vad_v5"],
      model_jobs: [],
      local_model: null,
      unfinished: null,
      presets: [
        { name: "realtime", model: "Systran/faster-distil-whisper-large-v3" },
        { name: "accurate", model: "Systran/faster-whisper-large-v3" },
      ],
      detectors: ["silero", "energy", "webrtc"],
      detector: { ...SILERO, ...detector },
      turn_detection_kind: "client",
      server_turn_detection: null,
      error: null,
      locale: "",
      compared: [],
      ...traits,
    };
  }

  /** What the widget manager's model gives: traits by their names there. */
  get(name: string): unknown {
    if (name === "_kept_class") return "ipyspeaches-kept-1";
    const plain = (Object.keys(this.#traits) as (keyof Traits)[]).find((one) => traitName(one) === name);
    return plain && this.#traits[plain];
  }

  get model(): Model {
    return this as unknown as Model;
  }

  trait<K extends keyof Traits>(name: K): Traits[K] {
    return this.#traits[name];
  }

  on(event: string, handler: Handler): void {
    const set = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, set.add(handler));
  }

  off(event: string, handler: Handler): void {
    this.#handlers.get(event)?.delete(handler);
  }

  get listeners(): number {
    return [...this.#handlers.values()].reduce((sum, set) => sum + set.size, 0);
  }

  send(message: ToKernel, _callbacks: unknown, buffers: ArrayBuffer[] = []): void {
    this.sent.push({ message, buffers });
    this.onsend(message, buffers);
  }

  set<K extends keyof Traits>(name: K, value: Traits[K]): void {
    this.#traits[name] = value;
    for (const handler of this.#handlers.get(`change:${traitName(name)}`) ?? []) (handler as () => void)();
  }

  /** An event of the widget manager, such as the end of the connection. */
  emit(event: string): void {
    for (const handler of this.#handlers.get(event) ?? []) (handler as () => void)();
  }

  /** A custom message of the kernel. */
  receive(content: object, buffers: DataView[] = []): void {
    for (const handler of this.#handlers.get("msg:custom") ?? []) {
      (handler as (content: object, buffers: DataView[]) => void)(content, buffers);
    }
  }
}
