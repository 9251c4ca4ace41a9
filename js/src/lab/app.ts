import { Emitter } from "../emitter.ts";
import { Player } from "../play/player.ts";
import { Scope } from "../scope.ts";
import { Windows } from "../store/windows.ts";
import { type Answer, Channel, type Model } from "../wire/channel.ts";
import { bytesOf } from "../wire/codec.ts";
import type { Failure } from "../wire/messages.ts";
import { type LabWords, labWordsFor } from "./i18n/index.ts";
import { LabStore } from "./store.ts";
import {
  decodeCurve,
  decodeScores,
  decodeServer,
  decodeTruth,
  type Heard,
  isFromLab,
  type LabChannel,
  type LabCommand,
  type LabDetector,
  type ServerVerdict,
} from "./wire.ts";

/** What the kernel did not do, in its words; null when the next thing was done. */
interface Told {
  refusal: Failure | null;
  /** what came of it, where that is not plain to see */
  note?: string;
}

export interface Compared {
  start_s: number;
  end_s: number;
  reference: string | null;
  now: Heard;
  pinned: Heard;
}

/** Everything of one lab: what is known, the channel to the kernel, the speakers. Several views share it. */
export class LabApp extends Emitter<{ told: Told }> {
  readonly scope: Scope;
  readonly store = new LabStore();
  readonly player: Player;
  readonly windows: Windows;
  readonly #channel: LabChannel;
  readonly #model: Model;
  #asked = 0;
  #askingServer = false;

  constructor(model: Model, signal?: AbortSignal) {
    super();
    this.scope = new Scope(signal);
    this.#model = model;
    this.#channel = new Channel<LabCommand>(model, this.scope);
    this.player = new Player((stretch) => this.#channel.command("audio", { ...stretch }), this.scope);
    const fetch = (args: object) => this.#channel.command("window", { ...args }).then(withoutCurves);
    this.windows = new Windows(this.store.session, fetch, this.scope);
    const receive = (content: unknown, buffers: DataView[]) => this.#receive(content, buffers);
    model.on("msg:custom", receive);
    this.scope.own(() => model.off("msg:custom", receive));
    this.#channel.send({ type: "hello", client_id: this.#channel.client_id });
  }

  get words(): LabWords {
    return labWordsFor(String(this.#model.get("locale") || navigator.language));
  }

  /** Calls `changed` when the reader's language does. */
  onLocale(scope: Scope, changed: () => void): void {
    this.#model.on("change:locale", changed);
    scope.own(() => this.#model.off("change:locale", changed));
  }

  setDetector(index: number, changes: Partial<LabDetector>): Promise<boolean> {
    return this.#do("set_detector", { index, ...changes });
  }

  setActive(index: number): Promise<boolean> {
    return this.#do("set_active", { index });
  }

  setCollar(collar_ms: number): Promise<boolean> {
    return this.#do("set_collar", { collar_ms });
  }

  /** An edit of the truth; what was shown while the mouse was down stays until the kernel has answered. */
  async edit(kind: string, args: Record<string, unknown> = {}): Promise<boolean> {
    const done = await this.#do("edit", { kind, ...args });
    this.store.paint(null);
    return done;
  }

  truthFrom(index: number): Promise<boolean> {
    return this.#do("truth_from", { index });
  }

  /** The server is listening to the recording. */
  get askingServer(): boolean {
    return this.#askingServer;
  }

  /** Asks the server where it hears speech. */
  async askServer(): Promise<boolean> {
    if (this.#askingServer) return false;
    this.#askingServer = true;
    this.emit("told", { refusal: null });
    const { failure } = await this.#channel.command("ask_server");
    this.#askingServer = false;
    this.emit("told", { refusal: failure, note: failure ? "" : this.#serverNote() });
    return failure === null;
  }

  #serverNote(): string {
    const { state, server } = this.store;
    return state?.server
      ? this.words.serverSaid(server.length / 2, serverAsked(this.words, state.server))
      : "";
  }

  pin(): Promise<boolean> {
    return this.#do("pin");
  }

  export(format: string): Promise<Answer> {
    return this.#channel.command("export", { format });
  }

  exportTruth(format: string): Promise<Answer> {
    return this.#channel.command("export_truth", { format });
  }

  /** Resolves to whether there was a session to hand the detector to. */
  async useLive(): Promise<boolean> {
    const { failure, data } = await this.#channel.command("use_live");
    this.emit("told", { refusal: failure });
    return failure === null && data.used === true;
  }

  async compare(start_s: number, end_s: number, reference: string): Promise<Compared | Failure> {
    const args = { start_s, end_s, ...(reference ? { reference } : {}) };
    const { failure, data } = await this.#channel.command("transcribe_compare", args);
    return failure ?? (data as unknown as Compared);
  }

  /** Asks what other settings would do; only the answer to the last question counts. */
  async look(): Promise<void> {
    const turn = ++this.#asked;
    const { store } = this;
    for (const [index] of store.lanes.entries()) {
      const { failure, buffers } = await this.#channel.command("curve", { index });
      if (turn !== this.#asked || this.scope.disposed) return;
      if (!failure && buffers.length > 0) store.curves[index] = decodeCurve(buffers);
    }
    const { failure, data, buffers } = await this.#channel.command("sweep", { index: store.active });
    if (turn !== this.#asked || this.scope.disposed) return;
    const [f1] = buffers;
    store.sweep =
      failure || !f1
        ? null
        : {
            index: data.index as number,
            threshold: data.threshold as number[],
            silence_ms: data.silence_ms as number[],
            f1: new Float32Array(bytesOf(f1)),
          };
    store.emit("change", undefined);
  }

  async #do(name: LabCommand, args: Record<string, unknown> = {}): Promise<boolean> {
    const { failure } = await this.#channel.command(name, args);
    this.emit("told", { refusal: failure });
    return failure === null;
  }

  #receive(content: unknown, buffers: DataView[]): void {
    if (!isFromLab(content)) return;
    switch (content.type) {
      case "lab":
        this.store.restore(content, decodeTruth(buffers), decodeServer(buffers));
        break;
      case "scores":
        this.store.score(content, decodeScores(buffers));
        break;
      case "unscored":
        this.store.fail(content.index, content.text);
        break;
      case "reply":
        this.#channel.settle(content, buffers);
        break;
    }
  }
}

/** The numbers that the server was asked with, in words. */
export function serverAsked(words: LabWords, { threshold, min_silence_duration_ms }: ServerVerdict): string {
  return words.serverAsked(threshold.toFixed(2), String(min_silence_duration_ms));
}

/** The lab's windows hold the waveform only: scores came whole. */
function withoutCurves(answer: Answer): Answer {
  return { ...answer, data: { curves: [], ...answer.data } };
}
