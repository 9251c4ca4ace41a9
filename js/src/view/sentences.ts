import type { App } from "../app.ts";
import type { Action } from "../wire/messages.ts";
import { statusProblem, warningWords } from "./failure.ts";
import type { IconName } from "./icons.ts";
import { moveWords } from "./move-words.ts";

const PATIENCE_MS = 1_500; // a command unanswered for longer: the kernel runs something else
const SILENCE_MS = 30_000; // and not a word from it for so long: it may have gone
const LOST = new Set(["reconnecting", "unreachable", "failed"]);
/** In these, an answer takes its time without a busy kernel. */
const UNDER_WAY = new Set(["asking", "connecting", "stopping"]);

/** What the status line says: what is, then the next step. */
export interface Sentence {
  tone: "" | "is-warn" | "is-error";
  icon: IconName;
  strong: string;
  text: string;
  /** last words, in the tooltip */
  detail?: string;
  /** read out instead, where the sentence holds a number that ticks */
  spoken?: string;
  actions?: readonly Action[];
  own?: readonly { label: string; run(): void }[];
}

/** What only the status line knows. */
export interface Situation {
  note: string | null;
  warning: { kind: string; text: string } | null;
  loud: boolean;
  /** how long the oldest command has waited */
  waited_ms: number;
  /** how long the kernel has said nothing */
  silent_ms: number;
}

/** One sentence for everything that may be going on; what needs the reader most comes first. */
export function sentenceOf(app: App, situation: Situation): Sentence {
  const { strings: words, phase, synced, page } = app;
  if (phase === "gone") return say(words.status.gone, "warn", "is-error");
  if (app.preview.move) return { ...say(moveWords(app, app.preview.move), "info"), spoken: "" };
  if (situation.note) return say([situation.note], "ok");
  if (situation.waited_ms > PATIENCE_MS && !UNDER_WAY.has(phase)) return busy(app, situation);
  if (page.orphaned)
    return {
      ...say(words.status.orphaned, "mic", "is-warn"),
      own: [{ label: words.recordHere, run: () => app.resumeCapture() }],
    };
  const problem = statusProblem(app);
  if (problem)
    return {
      ...say([words.sentence(problem.title), problem.text], "warn", "is-error"),
      detail: problem.detail,
      actions: phase === "live" || phase === "paused" || page.refusal ? [] : problem.actions,
    };
  if (phase === "live" && LOST.has(synced.text("server_state")))
    return say(words.status.lost, "again", "is-warn");
  if (phase === "live" && situation.loud) return say(words.status.loud, "warn", "is-warn");
  if (situation.warning) {
    const { kind, text } = situation.warning;
    return { ...say(["", warningWords(kind, text, words)], "warn", "is-warn"), detail: text };
  }
  return plain(app);
}

/** The kernel runs something else, or has gone without a word. */
function busy(app: App, { waited_ms, silent_ms }: Situation): Sentence {
  const { strings: words, phase, page, interrupt } = app;
  const silent = waited_ms > SILENCE_MS && silent_ms > SILENCE_MS;
  const name = page.waiting[0]?.name ?? "";
  const waits = words.waits[name] ?? words.waits.other ?? "";
  const tell = (seconds: string) =>
    silent ? words.status.silent(seconds) : words.status.busy(seconds, phase === "live", waits);
  return {
    ...say(tell((waited_ms / 1000).toFixed(0)), "busy", "is-warn"),
    spoken: tell("").join(" "),
    own: interrupt ? [{ label: words.interrupt, run: interrupt }] : [],
  };
}

function plain(app: App): Sentence {
  const { strings: words, phase, synced } = app;
  switch (phase) {
    case "live": {
      const ms = String(Math.round(synced.detector.min_silence_duration_ms));
      return say(
        synced.whose === "server" ? words.status.listeningServer : words.status.listening(ms),
        "mic",
      );
    }
    case "paused":
      return say(words.status.paused, "pause");
    case "failed":
    case "gone":
      return say(words.status[phase], "warn", "is-error");
    case "asking":
      return say(words.status.asking, "mic");
    case "connecting":
      return say(synced.direct ? words.status.connectingDirect : words.status.connecting, "again");
    default:
      return say(words.status[phase], "info");
  }
}

function say(words: readonly string[], icon: IconName, tone: Sentence["tone"] = ""): Sentence {
  const [strong = "", text = ""] = words;
  return { tone, icon, strong, text };
}
