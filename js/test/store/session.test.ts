import { beforeEach, describe, expect, it } from "vitest";
import { Scope } from "../../src/scope.ts";
import { SessionStore } from "../../src/store/session.ts";
import type { Frames } from "../../src/wire/codec.ts";
import type { FinalEvent, SessionEvent, Side, Waiting } from "../../src/wire/messages.ts";

function final(item_id: string, start_s: number, text: string, latency_s = 0.4): FinalEvent {
  return { type: "final", item_id, start_s, end_s: start_s + 1, text, language: "en", latency_s };
}

function frames(first_column: number, columns: number, peak = 100): Frames {
  return {
    header: {
      type: "frames",
      detector: "silero",
      first_column,
      column_s: 0.01,
      columns,
      first_frame: 0,
      frame_s: 0.032,
      frames: 0,
      clock_s: (first_column + columns) * 0.01,
      level_db: -20,
      peak_db: -10,
      clipped: false,
    },
    extremes: new Int16Array(columns * 2).map((_, i) => (i % 2 ? peak : -peak)),
    score: new Float32Array(),
    energy: new Float32Array(),
  };
}

let store: SessionStore;
beforeEach(() => {
  store = new SessionStore();
});

const add = (...events: SessionEvent[]) => store.addEvents(events);
const texts = () => store.lines.all.map((line) => `${line.kind}: ${line.text}`);

describe("the transcript", () => {
  it("turns a partial into its final in the same row", () => {
    add({ type: "partial", item_id: "a", start_s: 1, text: "hel" });
    const row = store.lines.get("a");
    add({ type: "partial", item_id: "a", start_s: 1, text: "hello wor" }, final("a", 1, "Hello world."));
    expect(store.lines.get("a")).toBe(row);
    expect(texts()).toEqual(["final: Hello world."]);
  });

  it("does not let a late partial take back a final", () => {
    add(final("a", 1, "Hello."), { type: "partial", item_id: "a", start_s: 1, text: "hel" });
    expect(texts()).toEqual(["final: Hello."]);
  });

  it("takes a partial back without a trace, but never a final", () => {
    const gone = { type: "partial", item_id: "a", start_s: 9, text: "" } as const;
    add({ type: "partial", item_id: "a", start_s: 1, text: "hel", stable: 0 });
    add(gone, { type: "partial", item_id: "b", start_s: 4, text: "hello", stable: 3 });
    expect(texts()).toEqual(["partial: hello"]);
    add(final("a", 1, "Hello."), gone);
    expect(texts()).toEqual(["final: Hello.", "partial: hello"]);
  });

  it("drops the row of an item in which the server heard nothing", () => {
    add({ type: "partial", item_id: "a", start_s: 1, text: "uh" }, final("a", 1, "  "));
    expect(texts()).toEqual([]);
  });

  it("orders rows by their time and puts losses where they happened", () => {
    add(final("b", 5, "two"), final("a", 1, "one"));
    add({ type: "warning", kind: "audio_lost", time_s: 3, text: "0.4 s lost" });
    expect(texts()).toEqual(["final: one", "gap: 0.4 s lost", "final: two"]);
  });

  it("takes the median of the last ten latencies", () => {
    for (let i = 0; i < 12; i++) add(final(`i${i}`, i, "x", i));
    expect(store.lines.latency_s).toBe(6.5);
  });
});

describe("the lanes", () => {
  const seen = (side: Side) => {
    const spans: [number, number, boolean][] = [];
    store.segments[side].visit(0, 100, 9, (a, b, open) => spans.push([a, b, open]));
    return spans;
  };

  it("shows open speech up to now until it is closed", () => {
    add({ type: "speech_started", start_s: 2, source: "client" });
    expect(seen("client")).toEqual([[2, 9, true]]);
    add({ type: "speech_stopped", start_s: 1.9, end_s: 4, source: "client" });
    expect(seen("client")).toEqual([[1.9, 4, false]]);
  });

  it("keep what each side found apart", () => {
    add({ type: "speech_stopped", start_s: 1, end_s: 2, source: "server" });
    add({ type: "speech_stopped", start_s: 3, end_s: 4, source: "client" });
    expect(seen("server")).toEqual([[1, 2, false]]);
    expect(seen("client")).toEqual([[3, 4, false]]);
  });

  it("keeps sent stretches in order and finds those in a window", () => {
    for (let t = 0; t < 1000; t++) add({ type: "sent", start_s: t, end_s: t + 0.9 });
    const found: number[] = [];
    store.sent.visit(500.5, 502.5, (start_s) => found.push(start_s));
    expect(found).toEqual([500, 501, 502]);
  });
});

describe("the drawing data", () => {
  it("tells from where on the picture changed, and counts lost audio", () => {
    const changed: number[] = [];
    store.changed.listen(new Scope(), ({ from_s }) => changed.push(from_s));
    store.addFrames(frames(0, 4));
    store.addFrames(frames(4, 4));
    store.addFrames(frames(58, 4));
    expect(changed[1]).toBeCloseTo(0.04);
    expect(store.drawing.lost_s.value).toBeCloseTo(0.5);
    expect(store.drawing.peak(0.2, 0.3)).toBeNull();
    expect(store.drawing.peak(0, 0.05)).toBe(100);
  });

  it("counts audio that was sent late", () => {
    add({ type: "sent", start_s: 0, end_s: 1 }, { type: "sent", start_s: 2, end_s: 3.5, late: true });
    expect(store.late_s.value).toBeCloseTo(1.5);
    store.reset();
    expect(store.late_s.value).toBe(0);
  });

  it("takes columns with min above max as lost audio, not as silence", () => {
    store.addFrames(frames(0, 4));
    store.addFrames(frames(4, 50, -100));
    store.addFrames(frames(54, 4));
    expect(store.drawing.lost_s.value).toBeCloseTo(0.5);
    expect(store.drawing.peak(0.1, 0.4)).toBeNull();
  });

  it("counts lost audio also where a window was asked for before it came", () => {
    store.addFrames(frames(0, 4));
    const asked = {
      level: 0,
      first_column: 4,
      columns: 0,
      asked: 100,
      extremes: new Int16Array(),
      curves: [],
    };
    store.drawing.fill(asked);
    store.addFrames(frames(4, 50, -100));
    store.addFrames(frames(4, 50, -100));
    expect(store.drawing.lost_s.value).toBeCloseTo(0.5);
  });

  it("marks a clipped stretch once", () => {
    store.addFrames(frames(0, 8, 32767));
    store.addFrames(frames(200, 1, 32767));
    expect(store.drawing.clipped_s).toEqual([0, 2]);
  });

  it("forgets everything at a reset", () => {
    store.addFrames(frames(0, 4));
    add(final("a", 1, "x"), { type: "committed", start_s: 0, end_s: 1 });
    store.reset();
    expect(store.clock_s).toBe(0);
    expect(texts()).toEqual([]);
    expect(store.drawing.peak(0, 1)).toBeNull();
    expect(store.committed.length).toBe(0);
  });
});

it("is restored from a snapshot without doubling rows", () => {
  const { type: _type, ...segment } = final("a", 1, "kept");
  const snapshot = {
    type: "snapshot" as const,
    clock_s: 12,
    segments: [segment],
    marks: [{ id: 1, time_s: 3, name: "here" }],
    events: [
      { type: "sent", start_s: 1, end_s: 2 },
      { type: "speech_started", start_s: 4, source: "client" },
      { type: "partial", item_id: "b", start_s: 4, text: "begun" },
    ] satisfies SessionEvent[],
    runs: {},
    capturing: null,
  };
  store.restore(snapshot);
  store.restore(snapshot);
  expect(texts()).toEqual(["final: kept", "partial: begun"]);
  expect([store.sent.length, store.segments.client.open_s]).toEqual([1, 4]);
  expect([...store.marks.values()]).toEqual(snapshot.marks);
  expect(store.clock_s).toBe(12);
});

describe("an utterance that was cut", () => {
  const waits = (...utterances: Partial<Waiting>[]) =>
    add({
      type: "waiting",
      utterances: utterances.map((one) => ({
        item_id: null,
        start_s: 1,
        end_s: 2,
        stage: "cut" as const,
        waited_s: 0,
        ...one,
      })),
    });
  const stages = () => store.lines.all.map(({ kind, stage, text }) => [stage ?? kind, text]);

  it("is one row from then on to its text, whoever names it when", () => {
    waits({});
    const [row] = store.lines.all;
    expect(stages()).toEqual([["cut", ""]]);
    waits({ stage: "sent" });
    waits({ stage: "committed", item_id: "a", waited_s: 1.2 });
    expect(stages()).toEqual([["committed", ""]]);
    expect(performance.now() - (row?.taken_ms ?? 0)).toBeGreaterThanOrEqual(1200);
    add(final("a", 1, "Done."));
    waits();
    expect(stages()).toEqual([["final", "Done."]]);
    expect(store.lines.all[0]).toBe(row);
  });

  it("keeps its row in its place, so that texts stand in the order of speech", () => {
    waits({}, { start_s: 3, end_s: 4 });
    add(final("b", 3, "Second."));
    waits({ stage: "committed", item_id: "a" });
    expect(stages()).toEqual([
      ["committed", ""],
      ["final", "Second."],
    ]);
  });

  it("takes over what was shown while it was spoken, under whatever name", () => {
    store.clock_s = 2.5;
    add({ type: "partial", item_id: "interim_1", start_s: 1.1, text: "do" });
    waits({});
    expect(stages()).toEqual([["cut", "do"]]);
    add({ type: "partial", item_id: "interim_1", start_s: 2.6, text: "" });
    expect(stages()).toEqual([["cut", ""]]);
    add({ type: "partial", item_id: "a", start_s: 1.1, text: "done" });
    waits({ stage: "committed", item_id: "a" });
    expect(stages()).toEqual([["committed", "done"]]);
  });

  it("leaves no row where the server found no words, or failed", () => {
    waits({ stage: "committed", item_id: "a" }, { start_s: 3, end_s: 4 });
    add(final("a", 1, ""));
    waits();
    expect(stages()).toEqual([]);
  });

  it("is called slow only against what this server usually takes", () => {
    const took = (item_id: string, latency_s: number) => {
      add({ ...final(item_id, Number(item_id), "x", latency_s), cut_s: 0.5, taken_s: 0.5 });
      return store.lines.get(item_id)?.slow;
    };
    expect(["1", "2", "3", "4"].map((id) => took(id, 9))).toEqual([false, false, false, false]);
    expect(took("5", 17)).toBe(false);
    expect(took("6", 18)).toBe(true);
  });
});
