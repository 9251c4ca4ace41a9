/** What the benchmarks drive in a browser: re-cutting alone, the widget while it records, and what else draws. */
import uPlot from "uplot";
import { Drawing } from "../src/store/drawing.ts";
import { Recut } from "../src/store/recut.ts";
import transcriber from "../src/transcriber.ts";
import type { Detector } from "../src/wire/messages.ts";
import { FakeModel } from "./fake-model.ts";

const COLUMN_S = 0.01;
const MESSAGE_S = 0.04;
const WINDOW_S = 24;
const AHEAD_S = 40;
const PLOT = { width: 676, height: 290 }; // the widget's own plot

/** Loudness of invented speech: sentences of 3 s, pauses of 1.5 s, syllables five times a second. */
function loudness(time_s: number): number {
  const inSentence = time_s % 4.5 < 3;
  const syllable = 0.35 + 0.65 * Math.abs(Math.sin(time_s * 15.7)) * Math.abs(Math.sin(time_s * 3.1 + 1));
  return inSentence ? syllable : 0.01;
}

function noise(i: number): number {
  const x = Math.sin(i * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}

function detectorOf(name: "silero" | "energy"): Detector {
  const lines =
    name === "silero"
      ? { unit: "probability" as const, threshold: 0.5, neg_threshold: 0.35 }
      : { unit: "energy" as const, threshold: 500, neg_threshold: 350 };
  return {
    name,
    ...lines,
    min_silence_duration_ms: 550,
    min_speech_duration_ms: 250,
    speech_pad_ms: 100,
    max_speech_duration_s: 30,
  };
}

function scoreOf(name: string, time_s: number, i: number): number {
  const level = loudness(time_s) * (0.7 + 0.3 * noise(i));
  return name === "silero" ? Math.min(0.99, level * 1.3) : level * 3000;
}

/** A `frames` message of what was recorded from `from_s` to `to_s`. */
function message(from_s: number, to_s: number, frame_s: number): [object, DataView[]] {
  const [c0, c1] = [Math.round(from_s / COLUMN_S), Math.round(to_s / COLUMN_S)];
  const [f0, f1] = [Math.floor(from_s / frame_s), Math.floor(to_s / frame_s)];
  const extremes = new Int16Array(2 * (c1 - c0));
  for (let i = 0; i < c1 - c0; i++) {
    const peak = 24000 * loudness((c0 + i) * COLUMN_S);
    extremes[2 * i] = -peak * noise(2 * (c0 + i));
    extremes[2 * i + 1] = peak * noise(2 * (c0 + i) + 1);
  }
  const series = (name: string) =>
    Float32Array.from({ length: f1 - f0 }, (_, i) => scoreOf(name, (f0 + i) * frame_s, f0 + i));
  const header = {
    type: "frames",
    detector: "silero",
    first_column: c0,
    column_s: COLUMN_S,
    columns: c1 - c0,
    first_frame: f0,
    frame_s,
    frames: f1 - f0,
    clock_s: to_s,
    level_db: -20,
    peak_db: -6,
    clipped: false,
  };
  const parts = [extremes, series("silero"), series("energy")];
  return [header, parts.map((part) => new DataView(part.buffer))];
}

/** Times in ms of cutting `seconds` of scores anew, with another threshold each time. */
function recut(name: "silero" | "energy", frame_s: number, seconds: number, rounds: number): number[] {
  const drawing = new Drawing();
  const detector = detectorOf(name);
  const frames = Math.round(seconds / frame_s);
  const scores = Float32Array.from({ length: frames }, (_, i) => scoreOf(name, i * frame_s, i));
  const header = {
    type: "frames" as const,
    detector: name,
    first_column: 0,
    column_s: COLUMN_S,
    columns: 0,
    first_frame: 0,
    frame_s,
    frames,
    clock_s: seconds,
    level_db: 0,
    peak_db: 0,
    clipped: false,
  };
  drawing.add({ header, extremes: new Int16Array(), score: scores, energy: scores });
  const cut = new Recut();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const threshold = detector.threshold * (1 + (0.4 * round) / rounds);
    const begin = performance.now();
    cut.update(drawing.curvesOf(name), { ...detector, threshold });
    times.push(performance.now() - begin);
  }
  if (cut.count < seconds / 10) throw new Error(`only ${cut.count} segments`);
  return times;
}

/** The widget in the page, `past_s` after the start of a recording; `play` lets it go on in real time. */
function ours(past_s: number): { play(): void } {
  const fake = new FakeModel({ locale: "en", detector: detectorOf("silero"), state: "listening" });
  let clock_s = 0;
  const step = (seconds: number) => {
    fake.receive(...message(clock_s, clock_s + seconds, 0.032));
    clock_s = Math.round((clock_s + seconds) * 100) / 100;
  };
  // a kernel that has everything; it answers at once
  fake.onsend = (sent) => {
    if (sent.type === "command") fake.receive({ type: "reply", id: sent.id, error: null, data: {} });
  };
  const widget = transcriber();
  widget.initialize({ model: fake.model });
  widget.render({ model: fake.model, el: document.body.appendChild(document.createElement("div")) });
  while (clock_s < past_s) step(Math.min(60, past_s - clock_s));
  const events = Array.from({ length: Math.ceil(past_s / 4.5) }, (_, i) => {
    const [start_s, end_s] = [i * 4.5, i * 4.5 + 3];
    const text = "A sentence that somebody said in the meantime.";
    return [
      { type: "sent", start_s, end_s },
      { type: "committed", start_s, end_s },
      { type: "final", item_id: `i${i}`, start_s, end_s, text, language: "en", latency_s: 0.4 },
    ];
  });
  fake.receive({ type: "events", events: events.flat() });
  // made beforehand: what a kernel does is not the page's work
  const coming = Array.from({ length: AHEAD_S / MESSAGE_S }, (_, i) =>
    message(past_s + i * MESSAGE_S, past_s + (i + 1) * MESSAGE_S, 0.032),
  );
  return {
    play: () => {
      let due_ms = performance.now();
      setInterval(() => {
        for (; due_ms <= performance.now(); due_ms += MESSAGE_S * 1000) {
          const next = coming.shift();
          if (next) fake.receive(...next);
        }
      }, MESSAGE_S * 1000);
    },
  };
}

/** The least that can be drawn: what is there moved by a pixel, one new column, sixty times a second. */
function blit(): { play(): void } {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  Object.assign(canvas, PLOT);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  let i = 0;
  const frame = () => {
    context.globalCompositeOperation = "copy";
    context.drawImage(canvas, -1, 0);
    context.globalCompositeOperation = "source-over";
    const peak = 60 * loudness(i * COLUMN_S * 3) * noise(i++);
    context.fillRect(PLOT.width - 1, 100 - peak, 1, 2 * peak);
    requestAnimationFrame(frame);
  };
  return { play: () => requestAnimationFrame(frame) };
}

/** A window of the three curves as columns of figures, as both chart libraries take them. */
function figures(now_s: number, points: number): [number[], number[], number[], number[]] {
  const times = Array.from({ length: points }, (_, i) => now_s - WINDOW_S + (i * WINDOW_S) / points);
  return [
    times,
    times.map((time_s, i) => loudness(time_s) * (noise(i) - 0.5)),
    times.map((time_s, i) => scoreOf("silero", time_s, i)),
    times.map((time_s, i) => scoreOf("energy", time_s, i)),
  ];
}

/** Two charts, waveform and scores, given their window in every frame. */
function uplot(): { play(): void } {
  const chart = (height: number, names: string[]) =>
    new uPlot(
      {
        width: PLOT.width,
        height,
        scales: { x: { time: false } },
        legend: { show: false },
        series: [{}, ...names.map((label) => ({ label, stroke: "#24f", points: { show: false } }))],
      },
      [[], ...names.map(() => [])],
      document.body,
    );
  const [wave, scores] = [chart(120, ["wave"]), chart(170, ["score", "energy"])];
  const begin_ms = performance.now();
  const frame = () => {
    const [times, a, b, c] = figures(WINDOW_S + (performance.now() - begin_ms) / 1000, 2400);
    wave.setData([times, a]);
    scores.setData([times, b, c]);
    requestAnimationFrame(frame);
  };
  return { play: () => requestAnimationFrame(frame) };
}

interface Plotly {
  react(element: HTMLElement, data: object[], layout: object, config: object): Promise<unknown>;
}

/** Three traces, as a FigureWidget that is given its window ten times a second: it cannot do more. */
function plotly(): { play(): void } {
  const place = document.body.appendChild(document.createElement("div"));
  const { Plotly } = globalThis as unknown as { Plotly: Plotly };
  const begin_ms = performance.now();
  const draw = () => {
    const [x, ...curves] = figures(WINDOW_S + (performance.now() - begin_ms) / 1000, 3000);
    const traces = curves.map((y) => ({ x, y, type: "scatter", mode: "lines" }));
    void Plotly.react(place, traces, { ...PLOT, uirevision: 1 }, { staticPlot: true });
  };
  return { play: () => setInterval(draw, 100) };
}

/** Counts frames and their length, beside whatever draws. */
function count(): { frames: number; longest_ms: number } {
  const seen = { frames: 0, longest_ms: 0 };
  let last_ms: number | null = null;
  const frame = (now_ms: number) => {
    seen.frames++;
    if (last_ms !== null) seen.longest_ms = Math.max(seen.longest_ms, now_ms - last_ms);
    last_ms = now_ms;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return seen;
}

Object.assign(globalThis, { bench: { recut, count, ours, blit, uplot, plotly } });
