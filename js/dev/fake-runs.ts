import type { ComparedRun, RunEvent } from "../src/wire/messages.ts";

interface Said {
  a: number;
  b: number;
  text: string;
  language: string;
}

interface FakeRun extends ComparedRun {
  delay_s: number;
  hear(text: string): string;
}

const RUNS: readonly FakeRun[] = [
  {
    name: "energy",
    state: "listening",
    about: "realtime · faster-distil-whisper-large-v3 · energy",
    error: null,
    behind_s: 0,
    delay_s: 0.7,
    hear: (text) => text.replace("So this", "This").replace("今天", ""),
  },
  {
    name: "small model, chunked",
    state: "listening",
    about: "chunked · faster-whisper-small · silero",
    error: null,
    behind_s: 7,
    delay_s: 1.9,
    hear: (text) => text.replace("voice", "boys").replace("识别", "失别"),
  },
  {
    name: "<b>webrtc</b>",
    state: "failed",
    about: "webrtc",
    error: {
      kind: "missing_extra",
      title: "A package is missing",
      text: "WebRTC needs a package that is not installed: pip install 'ipyspeaches[webrtc]'.",
    },
    behind_s: 0,
    delay_s: 0,
    hear: () => "",
  },
];

/** What sessions beside the main one would say, for `count` of them. */
export class FakeRuns {
  readonly runs: readonly FakeRun[];
  readonly #done = new Set<string>();

  constructor(count: number) {
    this.runs = RUNS.slice(0, count);
  }

  due(now_s: number, utterances: readonly Said[]): RunEvent[] {
    const events: RunEvent[] = [];
    for (const { name, delay_s, hear, state } of this.runs) {
      if (state === "failed") continue;
      for (const [i, { a, b, text, language }] of utterances.entries()) {
        const [item_id, start_s, run] = [`${name} ${i}`, a, name];
        const heard = Math.floor(((now_s - a - 1) / (b - a)) * text.length);
        const [final_s, key] = [b + 0.5 + delay_s, `${name} ${i} ${heard >> 3}`];
        if (heard > 3 && now_s < final_s && !this.#done.has(key)) {
          this.#done.add(key);
          events.push({ type: "partial", item_id, start_s, text: hear(text).slice(0, heard), run });
        }
        if (now_s < final_s || this.#done.has(item_id)) continue;
        this.#done.add(item_id);
        const final = {
          type: "final",
          item_id,
          start_s,
          end_s: b,
          text: hear(text),
          language,
        } as const;
        events.push({ ...final, latency_s: 0.5 + delay_s, run });
      }
    }
    return events;
  }
}
