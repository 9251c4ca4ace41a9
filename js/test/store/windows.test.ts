import { beforeEach, describe, expect, it, vi } from "vitest";
import { Scope } from "../../src/scope.ts";
import { SessionStore } from "../../src/store/session.ts";
import { Windows } from "../../src/store/windows.ts";
import type { Answer } from "../../src/wire/channel.ts";

interface Asked {
  level: number;
  first_column: number;
  columns: number;
}

const VIEW = {};
const HOURS_S = 8 * 3600;
let session: SessionStore;
let windows: Windows;
let asked: Asked[];
let answers: ((answer: Answer) => void)[];

beforeEach(() => {
  vi.useFakeTimers();
  session = new SessionStore();
  session.clock_s = HOURS_S;
  asked = [];
  answers = [];
  const fetch = (args: Asked) => {
    asked.push(args);
    return new Promise<Answer>((resolve) => answers.push(resolve));
  };
  windows = new Windows(session, fetch, new Scope());
});

const settle = async (answer?: Partial<Answer>) => {
  const request = asked[asked.length - answers.length] as Asked;
  const extremes = new Int16Array(request.columns * 2).map((_, i) => (i % 2 ? 7 : -7));
  const data = {
    level: request.level,
    first_column: request.first_column,
    columns: request.columns,
    curves: [],
  };
  answers.shift()?.({ failure: null, data, buffers: [new DataView(extremes.buffer)], ...answer });
  await vi.advanceTimersByTimeAsync(0);
};

describe("windows", () => {
  it("are fetched where someone looks, then beside it, two at once, and never twice", async () => {
    windows.want(VIEW, 0, 1000, 1024);
    windows.want(VIEW, 0, 1000, 1024);
    expect(asked[0]).toEqual({ level: 0, first_column: 99_000, columns: 3400 });
    expect(asked).toHaveLength(2);
    for (let i = 0; i < 10 && answers.length; i++) await settle();
    expect(answers).toHaveLength(0);
    const before = asked.length;
    windows.want(VIEW, 0, 1000, 1024);
    expect(asked).toHaveLength(before);
    expect(session.drawing.peak(1000, 1024)).toBe(7);
  });

  it("that were passed on the way are not asked for", async () => {
    for (let time_s = 20_000; time_s > 2000; time_s -= 500) windows.want(VIEW, 0, time_s, time_s + 24);
    await settle();
    await settle();
    expect(asked.length).toBeLessThan(6);
    expect(asked[2]?.first_column).toBeLessThan(260_000);
  });

  it("are never larger than the kernel gives", async () => {
    windows.want(VIEW, 0, 0, 600);
    while (answers.length) await settle();
    expect(Math.max(...asked.map(({ columns }) => columns))).toBe(6000);
    expect(session.drawing.columns.missing(0, 0, 60_000)).toBeNull();
  });

  it("do not ask for what came live, nor beyond the end", () => {
    session.clock_s = 100;
    for (let i = 0; i < 10_000; i++) session.drawing.columns.set(i, -1, 1);
    windows.want(VIEW, 0, 80, 104);
    windows.want(VIEW, 2, 0, 104);
    expect(asked).toEqual([]);
  });

  it("rest after a refusal, then try again", async () => {
    windows.want(VIEW, 0, 0, 24);
    await settle({ failure: { kind: "state", title: "", text: "" }, buffers: [] });
    const before = asked.length;
    windows.want(VIEW, 0, 0, 24);
    expect(asked).toHaveLength(before);
    await settle({ failure: { kind: "state", title: "", text: "" }, buffers: [] });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(asked.length).toBeGreaterThan(before);
  });

  it("of a recording that was replaced are dropped", async () => {
    windows.want(VIEW, 0, 0, 24);
    session.reset();
    await settle();
    expect(session.drawing.peak(0, 24)).toBeNull();
  });
});
