import { signal } from "@preact/signals-core";
import type { Scope } from "../scope.ts";
import { button, type Child, h, setAttribute, setText } from "./dom.ts";
import type { WayOut } from "./failure.ts";
import { type IconName, icon } from "./icons.ts";

/** What a status line says: what is, then the next step. */
export interface Sentence {
  tone: "" | "is-warn" | "is-error";
  icon: IconName;
  strong: string;
  text: string;
  /** last words, in the tooltip */
  detail?: string;
  /** read out instead, where the sentence holds a number that ticks */
  spoken?: string;
  ways?: readonly WayOut[];
  /** how much of it is done, from 0 to 1; null where nobody knows */
  share?: number | null;
}

export function say(words: readonly string[], icon: IconName, tone: Sentence["tone"] = ""): Sentence {
  const [strong = "", text = ""] = words;
  return { tone, icon, strong, text };
}

interface Parts {
  /** follows the signals that it reads */
  sentence(note: string): Sentence;
  /** at the end; empty where there is nothing to count, or no room */
  counts(): string;
  note_ms: number;
  className?: string;
  end?: Child[];
}

/** One sentence and the next step; counts at the end. What is read out leaves out numbers that tick. */
export class StatusLine {
  readonly node: HTMLElement;
  readonly #sign = h("span");
  readonly #strong = h("b");
  readonly #text = h("span");
  readonly #spoken = h("span", { class: "sp-vh", role: "status" });
  readonly #bar: HTMLProgressElement = h("progress", { hidden: true });
  readonly #counts = h("span", { class: "counts" });
  readonly #ways = h("span", { class: "acts" });
  readonly #scope: Scope;
  readonly #parts: Parts;
  readonly #note = signal("");
  #offered: { key: string; scope: Scope } | null = null;

  constructor(parts: Parts, scope: Scope) {
    this.#parts = parts;
    this.#scope = scope;
    const message = h("span", { class: "msg", dir: "auto" }, this.#strong, " ", this.#text);
    const end = parts.end ?? [];
    this.node = h("div", {}, this.#sign, message, this.#spoken, this.#bar, this.#counts, this.#ways, ...end);
    scope.effect(() => this.#update());
  }

  /** A word on what the reader has just done. */
  note(text: string): void {
    this.#note.value = text;
    this.#scope.timeout(() => {
      if (this.#note.value === text) this.#note.value = "";
    }, this.#parts.note_ms);
  }

  #update(): void {
    const { sentence, counts, className = "" } = this.#parts;
    const {
      tone,
      icon: name,
      strong,
      text,
      detail = "",
      spoken,
      share,
      ways = [],
    } = sentence(this.#note.value);
    this.node.className = `sp-status ${className} ${tone}`.trim();
    if (this.#sign.dataset.name !== name) {
      this.#sign.dataset.name = name;
      this.#sign.replaceChildren(icon(name, name === "again" ? "is-turning" : ""));
    }
    setText(this.#strong, strong);
    setText(this.#text, text);
    this.node.title = `${strong} ${text} ${detail}`.trim(); // in narrow views its end is cut off
    setText(this.#spoken, spoken ?? `${strong} ${text}`.trim());
    this.#show(share, strong);
    this.#offer(ways);
    const counted = ways.length > 0 ? "" : counts();
    this.#counts.hidden = counted === "";
    setText(this.#counts, counted);
  }

  #show(share: number | null | undefined, what: string): void {
    this.#bar.hidden = share === undefined;
    setAttribute(this.#bar, "aria-label", what);
    setAttribute(this.#bar, "value", share ?? null);
  }

  #offer(ways: readonly WayOut[]): void {
    const key = JSON.stringify(ways);
    if (key === this.#offered?.key) return;
    this.#offered?.scope.dispose();
    const scope = this.#scope.child();
    this.#offered = { key, scope };
    const buttons = ways.map(({ label, icon: name, run }) =>
      button(scope, { class: "sp-btn is-s" }, [name ? icon(name) : null, label], run),
    );
    this.#ways.replaceChildren(...buttons);
  }
}
