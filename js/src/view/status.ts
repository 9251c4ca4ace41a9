import type { App } from "../app.ts";
import { Scope } from "../scope.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { ACTION_ICONS, actionLabel, runAction, statusProblem } from "./failure.ts";
import { type IconName, icon } from "./icons.ts";

const PATIENCE_MS = 1_500; // a command unanswered for longer: the kernel runs something else
const WARNING_MS = 12_000;
const LOST = new Set(["reconnecting", "unreachable", "failed"]);

interface Sentence {
  tone: "" | "is-warn" | "is-error";
  icon: IconName;
  strong: string;
  text: string;
}

/** One sentence and the next step; counts at the end. */
export class StatusLine {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #sign = h("span");
  readonly #strong = h("b");
  readonly #text = h("span");
  readonly #counts = h("span", { class: "counts" });
  readonly #file: HTMLButtonElement;
  readonly #actions = h("span", { class: "acts" });
  readonly #chooseFile: () => void;
  readonly #scope: Scope;
  #shown: Scope | null = null;
  #offered = "";
  #warning: { text: string; until_ms: number } | null = null;
  #note: string | null = null;

  constructor(app: App, chooseFile: () => void, scope: Scope) {
    this.#app = app;
    this.#chooseFile = chooseFile;
    this.#scope = scope;
    this.#file = button(scope, { class: "sp-btn is-s" }, [icon("file"), app.strings.openFile], chooseFile);
    const message = h("span", { class: "msg" }, this.#strong, " ", this.#text);
    this.node = h(
      "div",
      { class: "sp-status", role: "status" },
      this.#sign,
      message,
      this.#counts,
      this.#file,
    );
    app.session.on(scope, "warning", ({ text }) => {
      this.#warning = { text, until_ms: performance.now() + WARNING_MS };
      scope.timeout(() => this.update(), WARNING_MS);
      this.update();
    });
    app.page.on(scope, "change", () => {
      if (app.page.waiting_since_ms !== null) scope.timeout(() => this.update(), PATIENCE_MS + 50);
    });
    this.update();
  }

  /** A word on what the reader has just done. */
  note(text: string, scope: Scope): void {
    this.#note = text;
    this.update();
    scope.timeout(() => {
      this.#note = null;
      this.update();
    }, 3_000);
  }

  update(): void {
    const { tone, icon: name, strong, text } = this.#sentence();
    this.node.className = `sp-status ${tone}`.trim();
    const sign = `${name}`;
    if (this.#sign.dataset.name !== sign) {
      this.#sign.dataset.name = sign;
      this.#sign.replaceChildren(icon(name, name === "again" ? "is-turning" : ""));
    }
    setText(this.#strong, strong);
    setText(this.#text, text);
    setAttribute(this.node, "title", `${strong} ${text}`.trim());
    this.#showActions();
    this.#showCounts();
  }

  /** The ways out of a failure, as far as there is room: the first two. */
  #showActions(): void {
    const { phase, page, strings } = this.#app;
    const offers =
      phase === "live" || phase === "paused" || page.refusal ? [] : (statusProblem(this.#app)?.actions ?? []);
    const key = JSON.stringify(offers);
    if (key === this.#offered) return;
    this.#offered = key;
    this.#shown?.dispose();
    const scope = new Scope(this.#scope.signal);
    this.#shown = scope;
    const buttons = offers.slice(0, 2).map((action) => {
      const content = [icon(ACTION_ICONS[action.name] ?? "play"), actionLabel(action, strings)];
      return button(scope, { class: "sp-btn is-s" }, content, () =>
        runAction(this.#app, action, this.#chooseFile),
      );
    });
    this.#actions.replaceChildren(...buttons);
  }

  #showCounts(): void {
    const { session, phase, strings } = this.#app;
    const fresh = session.clock_s === 0;
    this.#file.hidden = phase !== "idle" || !fresh || this.#app.failure !== null;
    this.#counts.hidden = fresh;
    const { clipped_s, lost_s } = session.signals;
    setText(
      this.#counts,
      strings.counts(
        session.lines.finals,
        lost_s < 10 ? lost_s.toFixed(1).replace(/\.0$/, "") : lost_s.toFixed(0),
        clipped_s.length,
      ),
    );
  }

  #sentence(): Sentence {
    const { strings: words, phase, synced, page } = this.#app;
    const say = (
      [strong, text]: readonly string[],
      icon: IconName,
      tone: Sentence["tone"] = "",
    ): Sentence => ({
      tone,
      icon,
      strong: strong ?? "",
      text: text ?? "",
    });
    if (this.#note) return say([this.#note], "ok");
    const waited = page.waiting_since_ms === null ? 0 : performance.now() - page.waiting_since_ms;
    if (waited > PATIENCE_MS && phase !== "asking" && phase !== "connecting")
      return say(words.status.busy, "busy", "is-warn");
    const problem = statusProblem(this.#app);
    if (problem) return say([`${problem.title}.`, problem.text], "warn", "is-error");
    if (phase === "live" && LOST.has(synced.text("server_state")))
      return say(words.status.lost, "again", "is-warn");
    if (this.#warning && performance.now() < this.#warning.until_ms)
      return say(["", this.#warning.text], "warn", "is-warn");
    return this.#plain(say);
  }

  #plain(say: (words: readonly string[], icon: IconName, tone?: Sentence["tone"]) => Sentence): Sentence {
    const { strings: words, phase, synced } = this.#app;
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
        return say(words.status.failed, "warn", "is-error");
      case "asking":
        return say(words.status.asking, "mic");
      case "connecting":
        return say(words.status.connecting, "again");
      default:
        return say(words.status[phase], "info");
    }
  }
}
