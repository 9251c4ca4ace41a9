import { signal } from "@preact/signals-core";
import { Pyramid } from "../store/pyramid.ts";
import type { SessionStore } from "../store/session.ts";
import { type Thresholds, Wishes } from "../store/thresholds.ts";
import { segment } from "../vad/segmenter.ts";
import { type Judgement, judge } from "./judge.ts";
import type { CurvePoint, LabDetector, LabState, Metrics, ScoresHeader, Span, Spans, Sweep } from "./wire.ts";

const LAST_COLUMNS_S = 0.03; // the windows of a growing session leave its last columns out; these are complete
const SHORTEST_ERROR_S = 0.05; // shorter ones are drawn, but not stepped to

/** One detector: its scores, and the segments that it finds with its lines as they stand. */
export interface Lane {
  detector: LabDetector;
  scores: Float32Array | null;
  hop: number;
  rate: number;
  length: number;
  /** the scores at several resolutions, for drawing */
  drawn: Pyramid;
  /** why there are no scores */
  failure: string;
  spans: number[];
  /** the detector that found them */
  found_by: LabDetector | null;
  judgement: Judgement | null;
}

export type ErrorKind = "missed" | "false_alarms";

/** What is known of the lab, and what is being moved; shared by all views. */
export class LabStore {
  readonly #changes = signal(0);
  /** waveform columns live where the Transcriber's do */
  readonly #session: SessionStore;
  #lanes: Lane[] = [];
  #state: LabState | null = null;
  curves: readonly (readonly CurvePoint[])[] = [];
  sweep: (Sweep & { index: number }) | null = null;
  /** where the server found speech */
  server: Spans = new Float64Array();
  #serverJudgement: Judgement | null = null;
  #truth: Spans = new Float64Array();
  #painted: Spans | null = null;
  #movedSpan: Span | null = null;
  #moved: { index: number; changes: Partial<LabDetector> } | null = null;

  readonly #wishes: Wishes[] = [];

  constructor(session: SessionStore) {
    this.#session = session;
  }

  /** Everything here is changed where it is: an effect that has read lanes, state or truth runs again after any change. */
  get lanes(): readonly Lane[] {
    this.#changes.value;
    return this.#lanes;
  }

  get state(): LabState | null {
    this.#changes.value;
    return this.#state;
  }

  get active(): number {
    return this.state?.active ?? 0;
  }

  get lane(): Lane | undefined {
    return this.lanes[this.active];
  }

  get duration_s(): number {
    return this.state?.duration_s ?? 0;
  }

  /** The truth as it stands, with what is being painted. */
  get truth(): Spans {
    this.#changes.value;
    return this.#painted ?? this.#truth;
  }

  /** What is labelled, as it stands: only that is scored. */
  get span(): Span {
    return this.#movedSpan ?? this.state?.span ?? [0, 0];
  }

  /** Everything that anybody detects. */
  get detected(): readonly Spans[] {
    return [...this.lanes.map(({ spans }) => spans), this.server];
  }

  /** A line or an edge is being moved. */
  get moving(): boolean {
    return this.#moved !== null || this.#painted !== null || this.#movedSpan !== null;
  }

  /** Where the lines of a detector were put by hand. */
  wishes(index: number): Wishes {
    this.#wishes[index] ??= new Wishes();
    return this.#wishes[index];
  }

  /** A start line elsewhere, as a click on a picture asks for. */
  startAt(index: number, threshold: number): Thresholds | null {
    const detector = this.detector(index);
    if (!detector) return null;
    const changes = this.wishes(index).moved("threshold", threshold, detector);
    this.wishes(index).keep("threshold", changes, detector);
    return { threshold, neg_threshold: changes.neg_threshold ?? detector.neg_threshold };
  }

  /** The detector with what is being moved. */
  detector(index: number): LabDetector | undefined {
    const known = this.lanes[index]?.detector;
    return known && this.#moved?.index === index ? { ...known, ...this.#moved.changes } : known;
  }

  /** What the table says: the kernel's word, except while something is being moved. */
  metrics(index: number): Metrics | null {
    const lane = this.lanes[index];
    if (!lane?.scores) return null;
    if (this.moving) return lane.judgement?.metrics ?? null;
    return this.#state?.metrics[index] ?? lane.judgement?.metrics ?? null;
  }

  /** How the server does; like `metrics`. */
  get serverMetrics(): Metrics | null {
    const known = this.moving ? null : this.#state?.server?.metrics;
    return known ?? this.#serverJudgement?.metrics ?? null;
  }

  /** Errors of the active detector that are worth a step. */
  errors(kind: ErrorKind): [number, number][] {
    const spans = this.lane?.judgement?.[kind] ?? [];
    const found: [number, number][] = [];
    for (let i = 0; i < spans.length; i += 2) {
      const [start, end] = [spans[i] as number, spans[i + 1] as number];
      if (end - start >= SHORTEST_ERROR_S - 1e-9) found.push([start, end]);
    }
    return found;
  }

  restore(state: LabState, truth: Spans, server: Spans): void {
    const before = this.#state;
    if (before && JSON.stringify(before.noise) !== JSON.stringify(state.noise)) this.#session.reset();
    this.#state = state;
    this.#truth = truth;
    this.server = server;
    this.#painted = null;
    this.#movedSpan = null;
    this.#moved = null;
    this.#session.clock_s = state.duration_s + LAST_COLUMNS_S;
    this.#session.drawing.column_s = state.column_s;
    this.#lanes = state.detectors.map((detector, i) => ({
      ...(this.#lanes[i] ?? emptyLane(detector)),
      detector,
    }));
    this.#cut();
  }

  score({ index, hop, rate, length }: ScoresHeader, scores: Float32Array): void {
    const lane = this.#lanes[index];
    if (!lane) return;
    const drawn = new Pyramid(scores.length);
    for (let i = 0; i < scores.length; i++) drawn.set(i, scores[i] as number, scores[i] as number);
    this.#lanes[index] = { ...lane, scores, hop, rate, length, drawn, failure: "", found_by: null };
    this.#cut();
  }

  /** What other settings of the detectors would do. */
  look(curves: readonly (readonly CurvePoint[])[], sweep: (Sweep & { index: number }) | null): void {
    this.curves = curves;
    this.sweep = sweep;
    this.#changes.value++;
  }

  fail(index: number, failure: string): void {
    const lane = this.#lanes[index];
    if (lane) this.#lanes[index] = { ...lane, failure };
    this.#changes.value++;
  }

  /** Lines that are being moved: everything is cut anew. null: let go. */
  move(index: number, changes: Partial<LabDetector> | null): void {
    this.#moved = changes && { index, changes };
    this.#cut();
  }

  /** Truth that is being painted. null: let go. */
  paint(truth: Spans | null): void {
    this.#painted = truth;
    this.#cut();
  }

  /** The span, while one of its ends is moved. null: let go. */
  moveSpan(span: Span | null): void {
    this.#movedSpan = span;
    this.#cut();
  }

  #cut(): void {
    const { truth, span } = this;
    const collar_s = (this.#state?.collar_ms ?? 0) / 1000;
    for (const [i, lane] of this.#lanes.entries()) {
      const detector = this.detector(i);
      if (!lane.scores || !detector) continue;
      if (lane.found_by !== detector) {
        const found = segment(lane.scores, detector, lane.hop, lane.rate, lane.length);
        lane.spans = found.map((sample) => sample / lane.rate);
        lane.found_by = detector;
      }
      lane.judgement = judge(lane.spans, truth, collar_s, span);
    }
    this.#serverJudgement = this.#state?.server ? judge(this.server, truth, collar_s, span) : null;
    this.#changes.value++;
  }
}

function emptyLane(detector: LabDetector): Lane {
  const nothing = {
    hop: 1,
    rate: 1,
    length: 0,
    drawn: new Pyramid(1),
    failure: "",
    spans: [],
    found_by: null,
    judgement: null,
  };
  return { detector, scores: null, ...nothing };
}
