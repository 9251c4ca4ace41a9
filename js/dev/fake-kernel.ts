import type { SessionEvent, Side, ToKernel } from "../src/wire/messages.ts";
import type { FakeModel } from "./fake-model.ts";
import { FakePast } from "./fake-past.ts";
import { FakeRuns } from "./fake-runs.ts";
import { columnsOf, scoresOf, speak } from "./speech.ts";

const COLUMN_S = 0.01;
const FRAME_S = 0.032;
const SECONDS = 60;
const UTTERANCES = [
  {
    a: 1.3,
    b: 4.62,
    gain: 0.86,
    text: "So this is what my voice looks like, frame by frame.",
    language: "en",
    latency_s: 0.42,
  },
  {
    a: 6.1,
    b: 9.7,
    gain: 0.92,
    text: "大家好，今天我们来看看语音识别是怎么工作的。",
    language: "zh",
    latency_s: 0.47,
  },
  {
    a: 11.2,
    b: 15.6,
    gain: 1.05,
    text: "When the score stays below the lower line for half a second, the sentence is sent.",
    language: "en",
    latency_s: 0.39,
  },
  {
    a: 17.0,
    b: 22.3,
    gain: 0.9,
    text: "And if I drag the line up a little, the quiet words go.",
    language: "en",
    latency_s: 1.72,
  },
  {
    a: 24,
    b: 29,
    gain: 0.8,
    text: "<img src=x onerror=alert(1)> is only text.",
    language: "en",
    latency_s: 0.5,
  },
  {
    a: 31,
    b: 37,
    gain: 0.7,
    text: "שלום עולם, this line mixes directions.",
    language: "he",
    latency_s: 0.44,
  },
];

const TAKES = ["<b>Anna</b>’s talk, the second try 🎤", "שלום", "lecture.m4a", ""].map((name, i) => ({
  number: 4 - i,
  name,
  started_ms: Date.now() - i * 3_600_000,
  duration_s: 41.2 * (i + 1),
}));

/** Plays an invented session into a model, as the kernel would. */
export class FakeKernel {
  readonly #model: FakeModel;
  readonly #speech = speak(UTTERANCES, SECONDS);
  readonly #scores = scoresOf(this.#speech, FRAME_S, SECONDS);
  readonly #past = new FakePast(this.#speech, this.#scores, FRAME_S, SECONDS);
  #clock_s = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #done = new Set<string>();
  #marks = 0;
  readonly #mark_times = new Map<number, number>();
  readonly #runs: FakeRuns;

  constructor(model: FakeModel, runs = 0) {
    this.#model = model;
    this.#runs = new FakeRuns(runs);
    model.set(
      "compared",
      this.#runs.runs.map(({ name, state, about, error, behind_s }) => ({
        name,
        state,
        about,
        error,
        behind_s,
      })),
    );
    model.onsend = (message) => this.#answer(message);
  }

  /** Everything up to `until_s` at once. */
  jump(until_s: number): void {
    this.#model.set("take", { number: 1, name: "", count: 1 });
    this.#model.set("state", "listening");
    while (this.#clock_s < until_s) this.#step(Math.min(0.04, until_s - this.#clock_s));
  }

  /** A page that comes late: `hours` of recording are there, and only their end is sent. */
  reload(hours: number): void {
    this.#clock_s = hours * 3600;
    const segments = Array.from({ length: hours * 360 }, (_, i) => ({
      item_id: `past_${i}`,
      start_s: i * 10,
      end_s: i * 10 + 4,
      text: `Sentence ${i} of a long day.`,
      language: "en",
      latency_s: 0.4,
    }));
    this.#model.set("state", "stopped");
    this.#model.receive({
      type: "snapshot",
      clock_s: this.#clock_s,
      segments,
      marks: [],
      events: [],
      runs: {},
      capturing: null,
    });
  }

  play(speed = 1): void {
    this.#model.set("state", "listening");
    this.#timer ??= setInterval(() => this.#step(0.04 * speed), 40);
  }

  get clock_s(): number {
    return this.#clock_s;
  }

  /** Nothing comes any more, and nobody is told. */
  freeze(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  halt(state: string): void {
    this.freeze();
    this.#timer = undefined;
    this.#model.set("state", state);
  }

  /** A busy kernel takes commands and does not answer. */
  busy = false;

  #answer(message: ToKernel): void {
    if (message.type !== "command" || this.busy) return;
    const [data, buffers, error] = this.#data(message.name, message.args);
    this.#model.receive({ type: "reply", id: message.id, error, data }, buffers);
    if (message.name === "start") {
      this.#clock_s = 0;
      this.#done.clear();
      this.#model.receive({ type: "reset" });
      this.play();
    } else if (message.name === "pause") this.halt("paused");
    else if (message.name === "resume") this.play();
    else if (message.name === "stop") this.halt("stopped");
    else if (message.name === "set_detector") {
      this.#model.set("detector", { ...this.#model.trait("detector"), ...message.args });
    }
  }

  #data(name: string, args: Record<string, unknown>): [object, DataView[], object | null] {
    if (name === "list_devices")
      return [{ devices: [{ index: 3, name: "Conference mic" }], error: null }, [], null];
    if (name === "check_server") {
      const text = "Nothing answers at http://127.0.0.1:8000: start a server, or check the address.";
      const failure = { kind: "unreachable", title: "The server does not answer", text, actions: [] };
      if (this.#model.trait("server_state") !== "ready") return [{}, [], failure];
      return [{ version: "0.9.0", models: this.#model.trait("models") }, [], null];
    }
    if (name === "download_model" || name === "load_model") return this.#model_job(name, String(args.model));
    if (name === "set_server") {
      this.#model.set("server_label", String(args.url || "local"));
      this.#model.set("server_url", String(args.url));
    }
    if (name === "set_turn_detection" && args.kind) {
      const server = args.kind === "server" ? { threshold: 0.9, silence_duration_ms: 550 } : null;
      this.#model.set("server_turn_detection", server);
      this.#model.set("turn_detection_kind", args.kind as Side);
    }
    if (name === "window") return this.#past.window(args, this.#clock_s, this.#model.trait("detector").name);
    if (name === "audio") return this.#past.audio(args);
    if (name === "list_takes") return [{ takes: TAKES }, [], null];
    if (name === "show_take" || name === "rename_take") {
      const shown = { number: 3, name: "", ...this.#model.trait("take"), ...args, count: TAKES.length };
      this.#model.set("take", shown);
    }
    if (name === "mark") return [this.#mark(args), [], null];
    if (name === "export") {
      const bytes = new TextEncoder().encode("words");
      return [
        { media_type: "text/plain", name: `transcript.${args.format}` },
        [new DataView(bytes.buffer)],
        null,
      ];
    }
    return [{}, [], null];
  }

  #model_job(name: string, model: string): [object, DataView[], object | null] {
    const models = this.#model.trait("models");
    if (name === "download_model") this.#model.set("models", [...new Set([...models, model])]);
    else this.#model.set("loaded_models", [...this.#model.trait("loaded_models"), model]);
    return [{ model, downloaded: !models.includes(model) }, [], null];
  }

  #mark(args: Record<string, unknown>): object {
    const id = Number(args.id ?? ++this.#marks);
    const mark = { id, time_s: this.#clock_s, name: String(args.name ?? "") };
    const time_s = this.#mark_times.get(id) ?? mark.time_s;
    this.#mark_times.set(id, time_s);
    this.#model.receive({ type: "events", events: [{ type: "mark", ...mark, time_s }] });
    return { ...mark, time_s };
  }

  #step(seconds: number): void {
    const before = this.#clock_s;
    this.#clock_s = Math.min(SECONDS, before + seconds);
    const [c0, c1] = [Math.round(before / COLUMN_S), Math.round(this.#clock_s / COLUMN_S)];
    const [f0, f1] = [Math.floor(before / FRAME_S), Math.floor(this.#clock_s / FRAME_S)];
    if (c1 === c0) return;
    const extremes = columnsOf(this.#speech, c0, c1 - c0, COLUMN_S);
    const peak = Math.max(1, ...extremes);
    const isEnergy = this.#model.trait("detector").name === "energy";
    const header = {
      type: "frames",
      detector: isEnergy ? "energy" : "silero",
      first_column: c0,
      column_s: COLUMN_S,
      columns: c1 - c0,
      first_frame: f0,
      frame_s: FRAME_S,
      frames: f1 - f0,
      clock_s: this.#clock_s,
      level_db: 20 * Math.log10(peak / 32768) - 12,
      peak_db: 20 * Math.log10(peak / 32768),
      clipped: peak >= 32767,
    };
    const score = this.#scores.score.slice(f0, f1);
    const energy = this.#scores.energy.slice(f0, f1);
    this.#model.receive(
      header,
      [extremes, isEnergy ? energy : score, energy].map((part) => new DataView(part.buffer)),
    );
    const events = [...this.#due(), ...this.#runs.due(this.#clock_s, UTTERANCES)];
    if (events.length) this.#model.receive({ type: "events", events });
  }

  #once(key: string, due: boolean): boolean {
    if (!due || this.#done.has(key)) return false;
    this.#done.add(key);
    return true;
  }

  #due(): SessionEvent[] {
    const events: SessionEvent[] = [];
    const now = this.#clock_s;
    for (const [i, { a, b, text, language, latency_s }] of UTTERANCES.entries()) {
      const [start_s, end_s, item_id] = [a - 0.1, b + 0.1, `item_${i}`];
      if (this.#once(`${i} on`, now > a + 0.1)) {
        events.push(
          { type: "speech_started", start_s, source: "client" },
          { type: "speech_started", start_s: a + 0.16, source: "server" },
        );
      }
      for (let t = start_s; t < end_s; t += 2) {
        const until = Math.min(t + 2, end_s);
        const late = i === 2 && t < 13;
        if (this.#once(`${i} sent ${t}`, now > until + 0.1))
          events.push({ type: "sent", start_s: t, end_s: until, late });
      }
      const heard = Math.floor(((now - a - 0.6) / (b - a)) * text.length);
      if (heard > 3 && now < b + 0.55 + latency_s && this.#once(`${i} ${heard >> 2}`, true)) {
        const shown = text.slice(0, heard);
        const stable = Math.max(0, shown.includes(" ") ? shown.lastIndexOf(" ", heard - 9) : heard - 4);
        events.push({ type: "partial", item_id, start_s, text: shown, stable });
      }
      if (this.#once(`${i} off`, now > b + 0.55)) {
        events.push(
          { type: "speech_stopped", start_s, end_s, source: "client" },
          { type: "speech_stopped", start_s: a + 0.16, end_s: b + 0.5, source: "server" },
          { type: "committed", start_s, end_s },
          {
            type: "waiting",
            utterances: [{ item_id, start_s, end_s, stage: "committed", waited_s: 0 }],
          },
        );
      }
      if (this.#once(`${i} text`, now > b + 0.55 + latency_s)) {
        events.push(
          { type: "final", item_id, start_s, end_s, text, language, latency_s, cut_s: 0.55, taken_s: 0.59 },
          { type: "waiting", utterances: [] },
        );
      }
    }
    if (this.#once("gap", now > 14)) {
      events.push({
        type: "warning",
        kind: "audio_lost",
        time_s: 10.9,
        text: "0.32 s of audio was lost on the way; the gap is kept.",
      });
    }
    return events;
  }
}
