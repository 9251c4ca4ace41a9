import { signal } from "@preact/signals-core";
import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Move, Phase } from "../store/page.ts";
import type { WarningEvent } from "../wire/messages.ts";
import { button } from "./dom.ts";
import { type Doors, statusProblem, warningWords, waysOut } from "./failure.ts";
import { clock, span } from "./format.ts";
import { icon } from "./icons.ts";
import { KernelWatch } from "./kernel-watch.ts";
import { localModelSentence } from "./local-model.ts";
import { shown } from "./scale.ts";
import { type Sentence, StatusLine, say } from "./status-line.ts";
import { takeName } from "./takes.ts";
import { unfinishedSentence } from "./unfinished.ts";

/** In these, an answer may be long in coming without a busy kernel. */
const UNDER_WAY = new Set(["asking", "connecting", "stopping"]);
/** Warnings of a moment: they end with the recording. */
const PASSING = new Set(["audio_late", "behind", "retrying"]);
const BUSY = new Set(["connecting", "live", "paused", "stopping"]);
const WARNING_MS = 12_000;
const NOTE_MS = 3_000;
const QUIET_DB = -80; // rooms are louder, and microphones have more noise of their own
const QUIET_S = 5;
const LEAST_DB = -96; // of digital silence
const FIRST_MS = 4_000;
const LOUD_CLIPS = 3;
const LOUD_S = 10;

/** The Transcriber's status line; what needs the reader most comes first. */
export class Status {
  readonly line: StatusLine;
  readonly #app: App;
  readonly #doors: Doors;
  readonly #file: HTMLButtonElement;
  readonly #warning = signal<WarningEvent | null>(null);
  readonly #loud = signal(false);
  /** level of a microphone that has been silent for long; null where it is not */
  readonly #quiet_db = signal<number | null>(null);
  #quiet_since_s: number | null = null;
  /** the first text of a recording has been waited for for long */
  readonly #first = signal(false);
  readonly #kernel: KernelWatch;
  /** seconds until it is tried again to have a connection; 0 while that goes on */
  readonly #retry_s = signal(0);
  /** how far behind the words are after a connection was lost, in whole seconds */
  readonly #behind_s = signal(0);

  constructor(app: App, doors: Doors, scope: Scope) {
    this.#app = app;
    this.#doors = doors;
    this.#file = button(
      scope,
      { class: "sp-btn is-s" },
      [icon("file"), app.words.openFile],
      doors.chooseFile,
    );
    const watched = {
      streams: () => app.phase === "live" && (app.records || app.synced.get("source_kind") !== "browser"),
      takesTime: () => UNDER_WAY.has(app.phase),
      keepsSound: () => app.records,
    };
    this.#kernel = new KernelWatch(app, watched, scope);
    const parts = {
      sentence: (note: string) => {
        const sentence = this.#sentence(note);
        const offered = app.synced.get("local_model")?.state === "offered"; // beside that there is room for a file
        const offers = (sentence.ways?.length ?? 0) > 0 && !offered;
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
    app.session.changed.listen(scope, () => {
      this.#listenForClips();
      this.#listenForSilence();
      this.#waitForFirst();
      this.#behind_s.value = Math.round(app.session.behind_s);
      const left_ms = (app.session.loss.value?.next_ms ?? 0) - performance.now();
      this.#retry_s.value = Math.max(0, Math.ceil(left_ms / 1000));
    });
  }

  #sentence(note: string): Sentence {
    const { words, phase, page, synced } = this.#app;
    const kernel = this.#kernel.sentence(words, phase === "live");
    if (kernel && phase === "gone") return kernel;
    const move = page.move.value;
    if (move) return { ...say(this.#moving(move), "info"), spoken: "" };
    if (note) return say([note], "ok");
    const { removed, opening } = page;
    if (opening.value) {
      const { name, share } = opening.value;
      const ways = [{ label: words.stop, run: () => this.#app.stopOpening() }];
      return { ...say(words.opening(name), "again"), share, ways };
    }
    if (removed.value && !BUSY.has(phase))
      return {
        ...say([words.takeRemoved(takeName(removed.value, words))], "info"),
        ways: [{ label: words.undo, icon: "undo", run: () => this.#app.restoreTake() }],
      };
    if (kernel) return kernel;
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
        ways: listening ? [] : waysOut(this.#app, problem, this.#doors).slice(0, 2),
      };
    }
    if (phase === "live" && synced.get("state") === "reconnecting") return this.#lost();
    if (phase === "live" && this.#behind_s.value > 0)
      return {
        ...say(words.status.catchingUp(this.#behind_s.value), "again"),
        spoken: words.status.catchingUp(0).join(" "),
      };
    if (phase === "live" && this.#loud.value) return say(words.status.loud, "warn", "is-warn");
    if (phase === "live" && this.#quiet_db.value !== null)
      return say(words.status.quiet(String(this.#quiet_db.value).replace("-", "−")), "mic", "is-warn");
    if (phase === "live" && this.#first.value) return say(words.status.firstText, "again");
    const warning = this.#due(phase);
    if (!warning) return unfinishedSentence(this.#app) ?? localModelSentence(this.#app) ?? plain(this.#app);
    const { kind, text } = warning;
    return { ...say(["", warningWords(kind, text, words)], "warn", "is-warn"), detail: text };
  }

  #lost(): Sentence {
    const { words, session } = this.#app;
    const retry_s = this.#retry_s.value;
    const detail = session.loss.value?.reason ?? "";
    const sentence = {
      ...say(words.status.reconnecting(retry_s), "again", "is-warn"),
      detail,
      spoken: words.status.reconnecting(0).join(" "),
    };
    return retry_s > 0
      ? { ...sentence, ways: [{ label: words.tryNow, run: () => this.#app.reconnect() }] }
      : sentence;
  }

  /** The last warning, while it is about what goes on. */
  #due(phase: Phase): WarningEvent | null {
    const warning = this.#warning.value;
    return warning && (phase === "live" || !PASSING.has(warning.kind)) ? warning : null;
  }

  /** What moving a line would do to the past: "Start 0.50 → 0.88.", and the rest of the sentence. */
  #moving(move: Move): readonly string[] {
    const { words } = this.#app;
    const line = move.line === "threshold" ? words.start : words.release;
    const past = span(Math.floor(move.past_s), words);
    const [from, to] = [shown(move.from, move.unit), shown(move.to, move.unit)];
    return words.moving(line, from, to, past, move.before, move.after, move.server);
  }

  #listenForClips(): void {
    const { drawing, clock_s } = this.#app.session;
    const third = drawing.clipped_s.at(-LOUD_CLIPS);
    this.#loud.value = third !== undefined && clock_s - third < LOUD_S;
  }

  /** A microphone that is switched off, unplugged or muted gives next to nothing. */
  #listenForSilence(): void {
    const { session, synced } = this.#app;
    const level_db = session.level?.level_db ?? 0;
    const isQuiet = level_db < QUIET_DB && synced.get("source_kind") !== "file";
    if (!isQuiet) this.#quiet_since_s = null;
    else this.#quiet_since_s ??= session.clock_s;
    const since_s = this.#quiet_since_s;
    const told = since_s !== null && session.clock_s - since_s > QUIET_S;
    this.#quiet_db.value = told ? Math.round(Math.max(LEAST_DB, level_db)) : null;
  }

  /** A server may be loading its model meanwhile, which takes longer than any text after that. */
  #waitForFirst(): void {
    const { lines } = this.#app.session;
    const waits = lines.latency_s === null; // else there was a text
    const oldest = waits ? lines.all.find(({ stage }) => stage === "committed") : undefined;
    this.#first.value = performance.now() - (oldest?.taken_ms ?? Number.POSITIVE_INFINITY) > FIRST_MS;
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

/** What there is to say of a file that is the source, where that is something else than of a microphone. */
function ofFile(app: App): Sentence | null {
  const { words, phase, synced } = app;
  const name = synced.get("source_label") || words.sourceName.file;
  const length_s = synced.get("source_duration_s");
  const length = length_s > 0 ? clock(length_s, 0) : "";
  if (phase === "idle" || phase === "stopped") return say(words.file[phase](name, length), "file");
  if (phase !== "live") return null;
  if (synced.get("pace") === 0) return say(words.file.fast(name, length), "file");
  const faster = { label: words.file.faster, run: () => app.setPace(0) };
  return { ...say(words.file.live(name, length), "file"), ways: [faster] };
}

function plain(app: App): Sentence {
  const { words, phase, synced } = app;
  const file = synced.get("source_kind") === "file" ? ofFile(app) : null;
  if (file) return file;
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
      if (synced.direct) return say(words.status.connectingDirect, "again");
      return say(synced.embedded ? words.status.connectingEmbedded : words.status.connecting, "again");
    default:
      return say(words.status[phase], "info");
  }
}

function seconds(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0); // "3.0", so that it does not jump to "3.2"
}
