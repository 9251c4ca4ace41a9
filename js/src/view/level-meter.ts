import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Level } from "../store/session.ts";
import { button, h, setAttribute, setText, toggle } from "./dom.ts";
import { decibel } from "./format.ts";

const FLOOR_DB = -60;
const HOT_DB = -6;
const PEAK_HOLD_MS = 1_500;
const DRAWN_EVERY_MS = 90; // each step of the meter costs the page a style computation
const SPOKEN_EVERY_MS = 1_000; // the meter's value for assistive technology

/** Level from -60 to 0 dBFS, the peak of the last 1.5 s, and a clip light that stays until it is clicked. */
export class LevelMeter {
  readonly node: HTMLElement;
  readonly #meter: HTMLElement;
  readonly #words: Words;
  readonly #value = h("span", {}, "– dBFS");
  readonly #bar = h("b");
  readonly #tick = h("u", { hidden: true });
  readonly #clip: HTMLButtonElement;
  #peaks: { db: number; at_ms: number }[] = [];
  #level_db: number | null = null;
  #spoken_ms = 0;
  #shown_ms = 0;
  #drawn_ms = Number.NEGATIVE_INFINITY;

  constructor(words: Words, scope: Scope) {
    this.#words = words;
    this.#clip = button(scope, { class: "sp-clipbox" }, [], () => this.#setClip(false));
    const ticks = [-40, -20, HOT_DB].map((db) => h("s", { style: `left:${share(db) * 100}%` }));
    // the clip light is a button: it stands beside the meter, whose inside belongs to the meter alone
    this.#meter = h(
      "span",
      {
        class: "scale",
        role: "meter",
        "aria-label": words.level,
        "aria-valuemin": FLOOR_DB,
        "aria-valuemax": 0,
      },
      h("span", { class: "well" }, this.#tick),
      this.#bar,
      ...ticks,
    );
    const label = h(
      "span",
      { class: "sp-k sp-num", "aria-hidden": "true" },
      h("span", {}, words.level),
      this.#value,
    );
    this.node = h(
      "div",
      { class: "sp-two sp-level" },
      label,
      h("span", { class: "sp-meter" }, this.#meter, this.#clip),
    );
    this.#setClip(false);
    this.rest();
  }

  /** What a message says; it is seen with the next `show`. */
  receive({ level_db, peak_db, clipped }: Level, now_ms: number): void {
    this.#level_db = level_db;
    this.#peaks.push({ db: peak_db, at_ms: now_ms });
    if (clipped) this.#setClip(true);
  }

  /** Called in frames that are painted anyway: a frame for the meter alone would cost as much as for the picture. */
  show(now_ms: number): void {
    const level_db = this.#level_db;
    if (level_db === null || now_ms - this.#drawn_ms < DRAWN_EVERY_MS) return;
    this.#level_db = null;
    this.#drawn_ms = now_ms;
    this.#peaks = this.#peaks.filter((peak) => now_ms - peak.at_ms < PEAK_HOLD_MS);
    const held = Math.max(...this.#peaks.map((peak) => peak.db));
    this.#bar.style.transform = `scaleX(${share(level_db).toFixed(3)})`;
    toggle(this.#bar, "hot", level_db > HOT_DB);
    this.#tick.hidden = false;
    this.#tick.style.transform = `translateX(${((share(held) - 1) * 100).toFixed(1)}%)`;
    if (now_ms - this.#shown_ms > 200) {
      this.#shown_ms = now_ms;
      setText(this.#value, `${decibel(Math.max(level_db, FLOOR_DB))} dBFS`);
    }
    if (now_ms - this.#spoken_ms < SPOKEN_EVERY_MS) return;
    this.#spoken_ms = now_ms;
    const spoken = Math.round(Math.max(level_db, FLOOR_DB));
    setAttribute(this.#meter, "aria-valuenow", spoken);
    setAttribute(this.#meter, "aria-valuetext", `${spoken} dBFS`);
  }

  /** Nothing comes in. The clip light stays: it is about the past. */
  rest(): void {
    this.#peaks = [];
    this.#level_db = null;
    this.#shown_ms = 0;
    this.#drawn_ms = Number.NEGATIVE_INFINITY;
    this.#bar.style.transform = "scaleX(0)";
    this.#tick.hidden = true;
    setText(this.#value, "– dBFS");
    setAttribute(this.#meter, "aria-valuenow", FLOOR_DB);
    setAttribute(this.#meter, "aria-valuetext", "– dBFS");
  }

  clear(): void {
    this.#setClip(false);
    this.rest();
  }

  #setClip(on: boolean): void {
    toggle(this.#clip, "is-clip", on);
    setAttribute(this.#clip, "aria-label", on ? this.#words.clip : this.#words.noClip);
    setAttribute(this.#clip, "title", on ? this.#words.clip : this.#words.noClip);
  }
}

function share(db: number): number {
  return Math.max(0, Math.min(1, 1 - db / FLOOR_DB));
}
