import { describe, expect, it } from "vitest";
import { ClientLane, Recut } from "../../src/store/recut.ts";
import { SessionStore } from "../../src/store/session.ts";
import { segment } from "../../src/vad/segmenter.ts";
import type { Detector } from "../../src/wire/messages.ts";

const FRAME_S = 0.032;
const detector: Detector = {
  name: "silero",
  unit: "probability",
  threshold: 0.5,
  neg_threshold: 0.35,
  min_silence_duration_ms: 300,
  min_speech_duration_ms: 100,
  speech_pad_ms: 60,
  max_speech_duration_s: 4,
};

/** A walk that crosses the lines often; the same for the same seed. */
function walk(frames: number, seed: number): number[] {
  let state = seed;
  let value = 0.3;
  return Array.from({ length: frames }, () => {
    state = (state * 48271) % 2147483647;
    value = Math.min(1, Math.max(0, value + (state / 2147483647 - 0.5) * 0.4));
    return Math.fround(value);
  });
}

function hear(session: SessionStore, first_frame: number, scores: number[], name = "silero"): void {
  const header = {
    type: "frames" as const,
    detector: name,
    first_column: 0,
    column_s: 0.01,
    columns: 0,
    first_frame,
    frame_s: FRAME_S,
    frames: scores.length,
    clock_s: (first_frame + scores.length) * FRAME_S,
    level_db: 0,
    peak_db: 0,
    clipped: false,
  };
  const values = Float32Array.from(scores);
  session.addFrames({ header, extremes: new Int16Array(), score: values, energy: values });
}

const spans = (cut: Recut | ClientLane, now_s = 1e6) => {
  const found: [number, number, boolean][] = [];
  cut.visit(0, 1e6, now_s, (a, b, open) => found.push([a, b, open]));
  return found;
};

describe("cutting as scores come", () => {
  it.each([1, 2, 3])("gives what cutting all at once gives, walk %i", (seed) => {
    const scores = walk(1500, seed);
    const session = new SessionStore();
    const cut = new Recut();
    for (let i = 0; i < scores.length; i += 7) {
      hear(session, i, scores.slice(i, i + 7));
      cut.update(session.drawing.curvesOf("silero"), detector);
    }
    const options = { ...detector, max_speech_duration_s: 4 };
    const whole = segment(Float32Array.from(scores), options, 768, 24_000, scores.length * 768);
    const end_s = scores.length * FRAME_S;
    expect(spans(cut, end_s).flatMap(([a, b]) => [Math.round(a * 24_000), Math.round(b * 24_000)])).toEqual(
      whole,
    );
    expect(cut.count).toBeGreaterThan(5);
  });

  it("repaints from where something changed: nothing in speech that goes on, everything after a move", () => {
    const session = new SessionStore();
    const cut = new Recut();
    hear(session, 0, Array(100).fill(0.9));
    const curves = session.drawing.curvesOf("silero");
    expect(cut.update(curves, detector)).toBe(Number.NEGATIVE_INFINITY);
    hear(session, 100, Array(10).fill(0.9));
    expect(cut.update(curves, detector)).toBe(Number.POSITIVE_INFINITY);
    hear(session, 110, Array(20).fill(0));
    expect(cut.update(curves, detector)).toBeCloseTo(110 * FRAME_S);
    expect(cut.update(curves, { ...detector, threshold: 0.95 })).toBe(Number.NEGATIVE_INFINITY);
    expect(cut.count).toBe(0);
  });

  it("starts anew when the past comes in", () => {
    const session = new SessionStore();
    const cut = new Recut();
    hear(session, 200, Array(50).fill(0));
    cut.update(session.drawing.curvesOf("silero"), detector);
    hear(session, 50, [...Array(40).fill(0.9), ...Array(20).fill(0)]);
    cut.update(session.drawing.curvesOf("silero"), detector);
    expect(cut.count).toBe(1);
  });
});

describe("the client's lane", () => {
  it("keeps what was found where the running detector did not listen", () => {
    const session = new SessionStore();
    const lane = new ClientLane(session);
    hear(session, 0, Array(300).fill(0), "energy");
    session.addEvents([{ type: "speech_stopped", start_s: 2, end_s: 3, source: "client" }]);
    lane.update(detector);
    expect(spans(lane)).toEqual([[2, 3, false]]);
    hear(session, 0, Array(300).fill(0));
    lane.update(detector);
    expect(spans(lane)).toEqual([]);
  });
});
