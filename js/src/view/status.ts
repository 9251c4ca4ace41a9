import { signal } from "@preact/signals-core";
import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Move } from "../store/page.ts";
import type { WarningEvent } from "../wire/messages.ts";
import { button } from "./dom.ts";
import { statusProblem, warningWords, waysOut } from "./failure.ts";
import { span } from "./format.ts";
import { icon } from "./icons.ts";
import { localModelSentence } from "./local-model.ts";
import { shown } from "./scale.ts";
import { type Sentence, StatusLine, say } from "./status-line.ts";

const PATIENCE_MS = 1_500; // a command unanswered for longer: the kernel runs something else
const SILENCE_MS = 30_000; // and not a word from it for so long: it may have gone
/** In these, an answer may be long in coming without a busy kernel. */
const UNDER_WAY = new Set(["asking", "connecting", "stopping"]);
const WARNING_MS = 12_000;
const NOTE_MS = 3_000;
const TICK_MS = 1_000; // waiting is counted in seconds
const LOUD_CLIPS = 3;
const LOUD_S = 10;

/** The Transcriber's status line; what needs the reader most comes first. */
export class Status {
  readonly line: StatusLine;
  readonly #app: App;
  readonly #chooseFile: () => void;
  readonly #file: HTMLButtonElement;
  readonly #warning = signal<WarningEvent | null>(null);
  readonly #loud = signal(false);
  readonly #now_ms = signal(performance.now());

  constructor(app: App, chooseFile: () => void, scope: Scope) {
    this.#app = app;
    this.#chooseFile = chooseFile;
    this.#file = button(scope, { class: "sp-btn is-s" }, [icon("file"), app.words.openFile], chooseFile);
    const parts = {
      sentence: (note: string) => {
        const sentence = this.#sentence(note);
        const offers = (sentence.ways?.length ?? 0) > 0 && app.synced.get("local_model") === null;
        this.#file.hidden = app.phase !== "idle" || !app.session.fresh || app.failure !== null || offers;
        return sentence;
      },
      counts: () => this.#counts(),
      note_ms: NOTE_MS,
      end: [this.#file],
    };
    this.line = new StatusLine(parts, scope);
    app.session.warned.listen(scope, (warning) => {
      this.#warning.value = warning;
      scope.timeout(() => {
        if (this.#warning.value === warning) this.#warning.value = null;
      }, WARNING_MS);
    });
    app.session.changed.listen(scope, () => this.#listenForClips());
    this.#tickWhileWaiting(scope);
  }

  #sentence(note: string): Sentence {
    const { words, phase, page } = this.#app;
    if (phase === "gone") return say(words.status.gone, "warn", "is-error");
    const move = page.move.value;
    if (move) return { ...say(this.#moving(move), "info"), spoken: "" };
    if (note) return say([note], "ok");
    const waited_ms = this.#waited_ms;
    if (waited_ms > PATIENCE_MS && !UNDER_WAY.has(phase)) return this.#busy(waited_ms);
    if (page.orphaned.value)
      return {
        ...say(words.status.orphaned, "mic", "is-warn"),
        ways: [{ label: words.recordHere, run: () => this.#app.resumeCapture() }],
      };
    const problem = statusProblem(this.#app);
    if (problem) {
      const listening = phase === "live" || phase === "paused" || page.refusal.value !== null;
      return {
        ...say([words.sentence(problem.title), problem.text], "warn", "is-error"),
        detail: problem.detail,
        // as far as there is room
        ways: listening ? [] : waysOut(this.#app, problem, this.#chooseFile).slice(0, 2),
      };
    }
    if (phase === "live" && this.#loud.value) return say(words.status.loud, "warn", "is-warn");
    const warning = this.#warning.value;
    if (!warning) return localModelSentence(this.#app) ?? plain(this.#app);
    const { kind, text } = warning;
    return { ...say(["", warningWords(kind, text, words)], "warn", "is-warn"), detail: text };
  }

  /** How long the oldest command has been without an answer. */
  get #waited_ms(): number {
    const [oldest] = this.#app.page.waiting.value;
    return oldest ? Math.max(this.#now_ms.value, performance.now()) - oldest.since_ms : 0;
  }

  /** The kernel runs something else, or has gone without a word. */
  #busy(waited_ms: number): Sentence {
    const { words, phase, page, interrupt, heard_ms } = this.#app;
    const silent = waited_ms > SILENCE_MS && performance.now() - heard_ms > SILENCE_MS;
    const name = page.waiting.value[0]?.name ?? "";
    const waits = words.waits[name] ?? words.waits.other ?? "";
    const sentence = (seconds: string) =>
      silent ? words.status.silent(seconds) : words.status.busy(seconds, phase === "live", waits);
    return {
      ...say(sentence((waited_ms / 1000).toFixed(0)), "busy", "is-warn"),
      spoken: sentence("").join(" "),
      ways: interrupt ? [{ label: words.interrupt, run: interrupt }] : [],
    };
  }

  /** What moving a line would do to the past: "Start 0.50 → 0.88.", and the rest of the sentence. */
  #moving(move: Move): readonly string[] {
    const { words } = this.#app;
    const line = move.line === "threshold" ? words.start : words.release;
    const past = span(Math.floor(move.past_s), words);
    const [from, to] = [shown(move.from, move.unit), shown(move.to, move.unit)];
    return words.moving(line, from, to, past, move.before, move.after, move.server);
  }

  /** While a command waits, the sentence is brought up to date every second. */
  #tickWhileWaiting(scope: Scope): void {
    let cancel: (() => void) | null = null;
    scope.effect(() => {
      const waits = this.#app.page.waiting.value.length > 0;
      if (waits)
        cancel ??= scope.interval(() => {
          this.#now_ms.value = performance.now();
        }, TICK_MS);
      else {
        cancel?.();
        cancel = null;
      }
    });
  }

  #listenForClips(): void {
    const { drawing, clock_s } = this.#app.session;
    const third = drawing.clipped_s.at(-LOUD_CLIPS);
    this.#loud.value = third !== undefined && clock_s - third < LOUD_S;
  }

  #counts(): string {
    const { session, page, words } = this.#app;
    if (session.fresh || page.move.value !== null) return "";
    const { clips, lost_s } = session.drawing;
    const late_s = session.late_s.value;
    const late = late_s > 0 ? seconds(late_s) : "";
    return words.counts(session.lines.finals, seconds(lost_s.value), late, clips.value);
  }
}

function plain({ words, phase, synced }: App): Sentence {
  switch (phase) {
    case "live": {
      const ms = String(Math.round(synced.detector.min_silence_duration_ms));
      return say(synced.side === "server" ? words.status.listeningServer : words.status.listening(ms), "mic");
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

function seconds(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0);
}
