import type { LabDetector, LabState, Metrics } from "../src/lab/wire.ts";
import type { ToKernel } from "../src/wire/messages.ts";
import type { FakeModel } from "./fake-model.ts";
import { FakePast } from "./fake-past.ts";
import { scoresOf, speak } from "./speech.ts";

const FRAME_S = 0.032;
const RATE = 16_000;
const SECONDS = 32;
const TRUTH = [1.3, 4.6, 6.1, 9.7, 11.2, 15.6, 17, 22.3, 24, 29];
const HEARD = [
  { a: 1.5, b: 4.62, gain: 0.86 },
  { a: 6.1, b: 9.4, gain: 0.92 },
  { a: 11.2, b: 15.6, gain: 1.05 },
  { a: 18.1, b: 22.4, gain: 0.9 },
  { a: 24, b: 26.5, gain: 0.05 },
  { a: 27, b: 29, gain: 0.8 },
  { a: 30.2, b: 31.1, gain: 0.5 },
];
const GOOD: Metrics = {
  f1: 0.942,
  precision: 0.961,
  recall: 0.924,
  detection_error_rate: 0.113,
  false_alarm_rate: 0.062,
  onset_error_s: 0.041,
  offset_error_s: -0.112,
};
const POOR: Metrics = { ...GOOD, f1: 0.871, precision: 0.8, recall: 0.956, detection_error_rate: 24.677 };

function detector(name: string, unit: LabDetector["unit"], threshold: number): LabDetector {
  return {
    name,
    unit,
    threshold,
    neg_threshold: 0.7 * threshold,
    min_silence_duration_ms: 300,
    min_speech_duration_ms: 100,
    speech_pad_ms: 30,
    max_speech_duration_s: 30,
    label: name,
    code: `vad = sp.SileroVad(threshold=${threshold}, min_silence_duration_ms=300)`,
  };
}

/** A lab over an invented recording, as the kernel would show it. */
export class FakeLab {
  readonly #model: FakeModel;
  readonly #scores: ReturnType<typeof scoresOf>;
  readonly #past: FakePast;

  constructor(model: FakeModel) {
    this.#model = model;
    const speech = speak(HEARD, SECONDS);
    this.#scores = scoresOf(speech, FRAME_S, SECONDS);
    this.#past = new FakePast(speech, this.#scores, FRAME_S, SECONDS);
    model.onsend = (message) => this.#answer(message);
  }

  #show(): void {
    const detectors = [
      detector("silero", "probability", 0.5),
      detector("energy", "energy", 500),
      detector("webrtc", "probability", 0.5),
    ];
    const state: LabState = {
      type: "lab",
      name: "a talk with a rather long name.flac",
      duration_s: SECONDS,
      column_s: 0.01,
      active: 0,
      collar_ms: 0,
      span: [0, SECONDS],
      detectors,
      metrics: [GOOD, POOR, POOR],
      noise: null,
      server: { threshold: 0.9, min_silence_duration_ms: 550, metrics: POOR },
      pinned: detector("silero", "probability", 0.6),
      can_undo: true,
      can_redo: true,
      saved: { path: "talk.rttm", at: new Date().toISOString(), error: null },
    };
    const views = [TRUTH, [1.2, 9.5, 11, 29.4]].map((spans) => new DataView(Float64Array.from(spans).buffer));
    this.#model.receive(state, views);
    const { score, energy } = this.#scores;
    for (const [index, values] of [score, energy, score.map((p) => Math.round(p))].entries()) {
      const header = { type: "scores", index, hop: FRAME_S * RATE, rate: RATE, length: SECONDS * RATE };
      this.#model.receive(header, [new DataView(values.slice().buffer)]);
    }
  }

  #answer(message: ToKernel): void {
    if (message.type === "hello") queueMicrotask(() => this.#show());
    if (message.type !== "command") return;
    const [data, buffers] = this.#data(message.name, message.args);
    queueMicrotask(() => this.#model.receive({ type: "reply", id: message.id, error: null, data }, buffers));
  }

  #data(name: string, args: Record<string, unknown>): [object, DataView[]] {
    if (name === "window")
      return this.#past.window(args, SECONDS, "silero").slice(0, 2) as [object, DataView[]];
    if (name === "curve") {
      const rows = Array.from({ length: 19 }, (_, i) => [
        0.05 * (i + 1),
        1 - (i / 19) ** 3,
        0.7 + 0.015 * i,
        0.3 - 0.015 * i,
      ]);
      return [{}, [new DataView(Float32Array.from(rows.flat()).buffer)]];
    }
    if (name === "sweep") {
      const threshold = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
      const silence_ms = [100, 200, 300, 400, 500, 700, 1000];
      const f1 = silence_ms.flatMap((_, row) => threshold.map((p) => 0.95 - (p - 0.5) ** 2 - 0.01 * row));
      return [{ index: 0, threshold, silence_ms }, [new DataView(Float32Array.from(f1).buffer)]];
    }
    if (name === "transcribe_compare") {
      const words = (what: "said" | "heard") => [
        ["same", "the quiet words"],
        [what, "go"],
      ];
      const one = (what: "said" | "heard") => ({
        text: "the quiet words go",
        rate: 0.125,
        measure: "WER",
        words: words(what),
      });
      return [{ ...args, reference: null, now: one("said"), pinned: one("heard") }, []];
    }
    if (name === "export") return [{ text: "sp.SileroVad(threshold=0.5, min_silence_duration_ms=300)" }, []];
    return [{}, []];
  }
}
