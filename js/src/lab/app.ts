import { signal } from "@preact/signals-core";
import { WidgetApp } from "../widget.ts";
import type { Answer, Model } from "../wire/channel.ts";
import { bytesOf } from "../wire/codec.ts";
import type { Failure } from "../wire/messages.ts";
import { type LabWords, labWordsFor } from "./i18n/index.ts";
import { addCell } from "./new-cell.ts";
import { LabStore } from "./store.ts";
import {
  type CurvePoint,
  decodeCurve,
  decodeScores,
  decodeServer,
  decodeTruth,
  type FromLab,
  type LabCommand,
  type LabDetector,
  type Noise,
  type ServerVerdict,
  type Span,
  type Transcribed,
} from "./wire.ts";

export interface Compared {
  start_s: number;
  end_s: number;
  reference: string | null;
  now: Transcribed;
  pinned: Transcribed;
}

/** The kernel may need long for these: it scores, searches or transcribes. */
const SLOW: ReadonlySet<string> = new Set([
  "set_detector",
  "truth_from",
  "curve",
  "sweep",
  "window",
  "audio",
  "export",
  "transcribe_compare",
  "ask_server",
  "load_labels",
  "save",
  "set_noise",
]);
const PIECE = 8_192; // characters that a call takes as arguments

/** Everything of one lab. */
export class LabApp extends WidgetApp<LabCommand> {
  readonly store = new LabStore(this.session);
  /** What the kernel did not do, in its words; null when the next thing was done. */
  readonly refusal = signal<Failure | null>(null);
  /** What came of the last command, where that is not plain to see. */
  readonly note = signal("");
  /** The server is listening to the recording. */
  readonly askingServer = signal(false);
  /** How much of which detector's scores is there; null where none are being made. */
  readonly scoring = signal<{ index: number; share: number } | null>(null);
  /** How much of a comparison is done; null while none runs. */
  readonly comparing = signal<number | null>(null);
  /** Somebody has stopped the scoring. */
  readonly scoringStopped = signal(false);
  protected override readonly slow = SLOW;
  #asked = 0;
  #noise: Noise | null | undefined;

  constructor(model: Model, stop?: AbortSignal) {
    super(model, stop);
    this.greet();
  }

  get words(): LabWords {
    return labWordsFor(this.locale);
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

  /** Which part is labelled; as with an edit, what is shown stays until the kernel has answered. */
  async setSpan([start_s, end_s]: Span): Promise<boolean> {
    const done = await this.#do("set_span", { start_s, end_s });
    this.store.moveSpan(null);
    return done;
  }

  /** The noise to be heard; while one is being scored, only the last of those that were asked for comes next. */
  async setNoise(noise: Noise | null): Promise<void> {
    const busy = this.#noise !== undefined;
    this.#noise = noise;
    if (busy) return;
    for (let asked: Noise | null | undefined; asked !== this.#noise; ) {
      asked = this.#noise;
      await this.#do("set_noise", { kind: asked?.kind ?? "", snr_db: asked?.snr_db ?? null });
    }
    this.#noise = undefined;
  }

  /** An edit of the truth; what was shown while the mouse was down stays until the kernel has answered. */
  async edit(kind: string, args: Record<string, unknown> = {}): Promise<boolean> {
    const done = await this.#do("edit", { kind, ...args });
    this.store.paint(null);
    return done;
  }

  /** Takes the labels of a file, whatever its kind. */
  async loadLabels(file: File): Promise<boolean> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += PIECE)
      text += String.fromCharCode(...bytes.subarray(i, i + PIECE));
    return this.#do("load_labels", { name: file.name, content: btoa(text) });
  }

  /** The lab as a file. */
  save(): Promise<Answer> {
    return this.ask("save");
  }

  truthFrom(index: number): Promise<boolean> {
    return this.#do("truth_from", { index });
  }

  stopScoring(): void {
    this.scoringStopped.value = true;
    void this.#do("stop_scoring");
  }

  /** The kernel then goes on with what has no scores yet. */
  scoreAgain(): void {
    this.scoringStopped.value = false;
    this.greet();
  }

  /** Asks the server where it finds speech. */
  async askServer(): Promise<void> {
    if (this.askingServer.value) return;
    this.askingServer.value = true;
    this.refusal.value = null;
    this.note.value = "";
    const { failure } = await this.ask("ask_server");
    this.askingServer.value = false;
    this.refusal.value = failure;
    const { state, server } = this.store;
    if (!failure && state?.server)
      this.note.value = this.words.serverSaid(server.length / 2, serverAsked(this.words, state.server));
  }

  pin(): Promise<boolean> {
    return this.#do("pin");
  }

  export(format: string): Promise<Answer> {
    return this.ask("export", { format });
  }

  exportTruth(format: string): Promise<Answer> {
    return this.ask("export_truth", { format });
  }

  /** Hands the detector to the live session. Where there is none, resolves to the code of a cell that makes one, and
   * whether it is in the notebook now.
   */
  async useLive(): Promise<{ code: string; placed: boolean } | null> {
    const { failure, data } = await this.ask("use_live");
    this.refusal.value = failure;
    const code = String(data.code ?? "");
    return code ? { code, placed: addCell(this.model, this.kept, code) } : null;
  }

  async compare(start_s: number, end_s: number, reference: string): Promise<Compared | Failure> {
    const args = { start_s, end_s, ...(reference ? { reference } : {}) };
    this.comparing.value = 0;
    const { failure, data } = await this.ask("transcribe_compare", args);
    this.comparing.value = null;
    return failure ?? (data as unknown as Compared);
  }

  stopCompare(): void {
    void this.#do("stop_compare");
  }

  /** Asks what other settings would do; only the answer to the last question counts. */
  async look(): Promise<void> {
    const turn = ++this.#asked;
    const { store } = this;
    const outdated = () => turn !== this.#asked || this.scope.disposed;
    const curves: (readonly CurvePoint[])[] = [...store.curves];
    for (const [index] of store.lanes.entries()) {
      const { failure, buffers } = await this.ask("curve", { index });
      if (outdated()) return;
      if (!failure && buffers.length > 0) curves[index] = decodeCurve(buffers);
    }
    const { failure, data, buffers } = await this.ask("sweep", { index: store.active });
    if (outdated()) return;
    const [f1] = buffers;
    if (failure || !f1) store.look(curves, null);
    else
      store.look(curves, {
        index: data.index as number,
        threshold: data.threshold as number[],
        silence_ms: data.silence_ms as number[],
        f1: new Float32Array(bytesOf(f1)),
      });
  }

  async #do(name: LabCommand, args: Record<string, unknown> = {}): Promise<boolean> {
    const { failure } = await this.ask(name, args);
    this.refusal.value = failure;
    return failure === null;
  }

  protected override receive(content: FromLab, buffers: DataView[]): void {
    switch (content.type) {
      case "lab":
        this.store.restore(content, decodeTruth(buffers), decodeServer(buffers));
        break;
      case "scoring":
        this.scoring.value = content;
        break;
      case "comparing":
        if (this.comparing.value !== null) this.comparing.value = content.share;
        break;
      case "scores":
        this.scoring.value = null;
        this.store.score(content, decodeScores(buffers));
        break;
      case "unscored":
        this.scoring.value = null;
        this.store.fail(content.index, content.text);
        break;
      case "reply":
        this.channel.settle(content, buffers);
        break;
    }
  }
}

/** The numbers that the server was asked with, in words. */
export function serverAsked(words: LabWords, { threshold, min_silence_duration_ms }: ServerVerdict): string {
  return words.serverAsked(threshold.toFixed(2), String(min_silence_duration_ms));
}
