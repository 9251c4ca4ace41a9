import type { App } from "../app.ts";
import { Scope } from "../scope.ts";
import { button, h, setText } from "./dom.ts";
import { ACTION_ICONS, actionLabel, runAction } from "./failure.ts";
import { icon } from "./icons.ts";
import { type Sentence, type Situation, sentenceOf } from "./sentences.ts";

const WARNING_MS = 12_000;
const NOTE_MS = 3_000;
const TICK_MS = 1_000; // waiting is told in seconds
const LOUD_CLIPS = 3;
const LOUD_S = 10;

/** One sentence and the next step; counts at the end. What is read out leaves out numbers that tick. */
export class StatusLine {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #sign = h("span");
  readonly #strong = h("b");
  readonly #text = h("span");
  readonly #spoken = h("span", { class: "sp-vh", role: "status" });
  readonly #counts = h("span", { class: "counts" });
  readonly #file: HTMLButtonElement;
  readonly #actions = h("span", { class: "acts" });
  readonly #chooseFile: () => void;
  readonly #scope: Scope;
  #shown: Scope | null = null;
  #offered = "";
  #warning: { kind: string; text: string; until_ms: number } | null = null;
  #note: string | null = null;
  #loud = false;
  #ticking = false;

  constructor(app: App, chooseFile: () => void, scope: Scope) {
    this.#app = app;
    this.#chooseFile = chooseFile;
    this.#scope = scope;
    this.#file = button(scope, { class: "sp-btn is-s" }, [icon("file"), app.strings.openFile], chooseFile);
    const message = h("span", { class: "msg", dir: "auto" }, this.#strong, " ", this.#text);
    this.node = h(
      "div",
      { class: "sp-status" },
      this.#sign,
      message,
      this.#spoken,
      this.#counts,
      this.#actions,
      this.#file,
    );
    app.session.on(scope, "warning", ({ kind, text }) => {
      this.#warning = { kind, text, until_ms: performance.now() + WARNING_MS };
      scope.timeout(() => this.update(), WARNING_MS);
      this.update();
    });
    app.session.on(scope, "frames", () => this.#listenForClips());
    app.page.on(scope, "change", () => this.#tick());
    app.preview.on(scope, "change", () => this.update());
    this.update();
  }

  /** A word on what the reader has just done. */
  note(text: string): void {
    this.#note = text;
    this.update();
    this.#scope.timeout(() => {
      this.#note = null;
      this.update();
    }, NOTE_MS);
  }

  update(): void {
    const sentence = this.#sentence();
    const { tone, icon: name, strong, text } = sentence;
    this.node.className = `sp-status ${tone}`.trim();
    if (this.#sign.dataset.name !== name) {
      this.#sign.dataset.name = name;
      this.#sign.replaceChildren(icon(name, name === "again" ? "is-turning" : ""));
    }
    setText(this.#strong, strong);
    setText(this.#text, text);
    this.node.title = `${strong} ${text} ${sentence.detail ?? ""}`.trim();
    setText(this.#spoken, sentence.spoken ?? `${strong} ${text}`.trim());
    this.#showActions(sentence);
    this.#showCounts();
  }

  #sentence(): Sentence {
    const { page } = this.#app;
    const now_ms = performance.now();
    const warning = this.#warning && now_ms < this.#warning.until_ms ? this.#warning : null;
    const situation: Situation = {
      note: this.#note,
      warning,
      loud: this.#loud,
      waited_ms: page.waiting[0] ? now_ms - page.waiting[0].since_ms : 0,
      silent_ms: now_ms - this.#app.heard_ms,
    };
    return sentenceOf(this.#app, situation);
  }

  /** While a command waits, the sentence is brought up to date every second. */
  #tick(): void {
    if (this.#ticking || this.#app.page.waiting.length === 0) return;
    this.#ticking = true;
    this.#scope.timeout(() => {
      this.#ticking = false;
      this.update();
      this.#tick();
    }, TICK_MS);
  }

  #listenForClips(): void {
    const { signals, clock_s } = this.#app.session;
    const third = signals.clipped_s.at(-LOUD_CLIPS);
    const loud = third !== undefined && clock_s - third < LOUD_S;
    if (loud === this.#loud) return;
    this.#loud = loud;
    this.update();
  }

  /** The ways out, as far as there is room: the first two. */
  #showActions({ actions = [], own = [] }: Sentence): void {
    const { strings } = this.#app;
    const key = JSON.stringify([actions, own.map(({ label }) => label)]);
    if (key === this.#offered) return;
    this.#offered = key;
    this.#shown?.dispose();
    const scope = new Scope(this.#scope.signal);
    this.#shown = scope;
    const offers = actions.slice(0, 2).map((action) => {
      const content = [icon(ACTION_ICONS[action.name] ?? "play"), actionLabel(action, strings)];
      return button(scope, { class: "sp-btn is-s" }, content, () =>
        runAction(this.#app, action, this.#chooseFile),
      );
    });
    const more = own.map(({ label, run }) => button(scope, { class: "sp-btn is-s" }, [label], run));
    this.#actions.replaceChildren(...offers, ...more);
  }

  #showCounts(): void {
    const { session, phase, strings } = this.#app;
    const fresh = session.clock_s === 0;
    const offers = this.#actions.childElementCount > 0;
    this.#file.hidden = phase !== "idle" || !fresh || this.#app.failure !== null || offers;
    this.#counts.hidden = fresh || offers || this.#app.preview.move !== null;
    const { clipped_s, lost_s } = session.signals;
    const late = session.late_s > 0 ? seconds(session.late_s) : "";
    setText(this.#counts, strings.counts(session.lines.finals, seconds(lost_s), late, clipped_s.length));
  }
}

function seconds(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0);
}
