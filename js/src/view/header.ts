import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Phase } from "../store/page.ts";
import { button, h, rovingFocus, setAttribute, setDisabled, setText, signButton, toggle } from "./dom.ts";
import { clock } from "./format.ts";
import { icon } from "./icons.ts";
import { LevelMeter } from "./level-meter.ts";
import { Pickers } from "./pickers.ts";
import type { Popup } from "./popup.ts";

const BEAT_S = 1.6; // of the light while a recording runs
const STEPS_A_SECOND = 5;
const FADE = 0.65;
const RUNNING: ReadonlySet<Phase> = new Set(["asking", "connecting", "live", "paused"]);

interface HeaderParts {
  chooseFile(): void;
  mark(): void;
  /** the button of the menu of everything else */
  more: HTMLElement;
}

/** Transport, clock, level, and what the session is made of. Nothing here changes its width with the state. */
export class Header {
  readonly node: HTMLElement;
  readonly level: LevelMeter;
  readonly #app: App;
  readonly #record: HTMLButtonElement;
  readonly #pause: HTMLButtonElement;
  readonly markButton: HTMLButtonElement;
  readonly #state = h("span");
  readonly #light = h("i", { hidden: true });
  readonly #elapsed = h("span", { class: "sp-v" });
  #tick = "";
  readonly #time: HTMLElement;
  readonly pickers: Pickers;
  readonly #still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
  #sign = "";

  constructor(app: App, popup: Popup, { chooseFile, mark, more }: HeaderParts, scope: Scope) {
    const words = app.words;
    this.#app = app;
    this.#record = button(scope, { class: "sp-btn sp-rec" }, [], (event) => once(event, () => this.record()));
    this.#pause = button(scope, { class: "sp-btn is-icon" }, [], (event) => once(event, () => this.pause()));
    this.markButton = signButton(scope, "flag", words.setMark, mark, {
      class: "sp-btn is-icon sp-markbutton sp-pri-2 sp-only-wide",
    });
    this.#time = h(
      "div",
      { class: "sp-two sp-time" },
      h("span", { class: "sp-k" }, this.#light, this.#state),
      this.#elapsed,
    );
    this.level = new LevelMeter(words, scope);
    this.pickers = new Pickers(app, popup, chooseFile, scope);
    app.session.changed.listen(scope, () => {
      const { level } = app.session;
      if (level && app.phase === "live") this.level.receive(level, performance.now());
    });
    app.session.restarted.listen(scope, () => this.level.clear());
    this.node = h(
      "div",
      { class: "sp-head", role: "toolbar", "aria-label": words.recorder },
      this.#record,
      this.#pause,
      this.markButton,
      this.#time,
      this.level.node,
      h("span", { class: "sp-grow" }),
      h("span", { class: "sp-sep" }),
      h("div", { class: "sp-row2" }, ...this.pickers.nodes),
      more,
    );
    rovingFocus(scope, this.node, "button", "horizontal");
    for (const stop of this.node.querySelectorAll("button")) stop.tabIndex = stop === this.#record ? 0 : -1;
    this.showTime(0);
    scope.effect(() => this.#update());
  }

  /** What the big button does in this phase. */
  record(): void {
    const { phase } = this.#app;
    if (RUNNING.has(phase)) this.#app.stop();
    else if (phase !== "stopping" && phase !== "gone") this.#app.start();
  }

  /** The small one; stop stays on the big one, so that a second click where pause was cannot end the recording. */
  pause(): void {
    const { phase } = this.#app;
    if (phase === "live") this.#app.pause();
    else if (phase === "paused") this.#app.resume();
  }

  /** Whole seconds while it runs, as the flag of the live edge has the tenths: each change costs the page a layout, and
   * each step of the light a style computation.
   */
  showTime(time_s: number): void {
    const { phase } = this.#app;
    const tick = phase === "live" ? `${Math.floor(time_s * STEPS_A_SECOND)}` : `${phase} ${clock(time_s)}`;
    if (tick === this.#tick) return;
    this.#tick = tick;
    setText(this.#elapsed, clock(time_s, phase === "live" ? 0 : 1));
    const breathes = phase === "live" && !this.#still?.matches;
    this.#light.style.opacity = breathes ? breath(time_s).toFixed(2) : "";
  }

  #update(): void {
    const { phase, words } = this.#app;
    const running = RUNNING.has(phase);
    const busy = phase === "stopping";
    const isFile = this.#app.synced.get("source_kind") === "file";
    toggle(this.#record, "is-live", running);
    setAttribute(this.#record, "aria-busy", busy ? true : null);
    const gone = phase === "gone";
    setAttribute(this.#record, "aria-disabled", busy || gone ? true : null);
    setAttribute(this.#record, "title", gone ? words.goneWhy : null);
    const label = running ? words.stop : isFile ? words.startFile : words.record;
    const paused = phase === "paused";
    const small = paused ? words.resume : words.pause;
    const sign = `${label} ${small}`;
    if (sign !== this.#sign) {
      this.#record.replaceChildren(icon(running ? "stop" : isFile ? "play" : "record"), label);
      this.#pause.replaceChildren(icon(paused ? "record" : "pause"));
      this.#sign = sign;
    }
    const pauses = paused || phase === "live";
    toggle(this.#pause, "is-resume", paused);
    setAttribute(this.#pause, "aria-label", small);
    setAttribute(this.#pause, "title", pauses ? small : words.pauseWhy);
    setAttribute(this.#pause, "disabled", !pauses);
    const marks = phase === "live" || phase === "paused";
    setDisabled(this.markButton, !marks, words.setMark, words.pauseWhy);
    setText(this.#state, isFile ? (words.filePhase[phase] ?? words.phase[phase]) : words.phase[phase]);
    this.#light.hidden = phase !== "live" && phase !== "paused";
    if (phase !== "live") this.#light.style.opacity = "";
    toggle(this.#time, "is-live", phase === "live");
    toggle(this.#time, "is-paused", phase === "paused");
    if (phase !== "live") this.level.rest();
  }
}

/** The second click of a double one is not meant for what the button has become by the first. */
function once(event: MouseEvent, act: () => void): void {
  if (event.detail < 2) act();
}

/** The light of a running recording, in the frames that are painted anyway: an animation would make frames of its own. */
function breath(time_s: number): number {
  return 1 - (FADE * (1 - Math.cos((2 * Math.PI * time_s) / BEAT_S))) / 2;
}
