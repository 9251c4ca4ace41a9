import type { Strings } from "../i18n/index.ts";
import { type Child, h } from "./dom.ts";
import type { Tracks } from "./tracks.ts";

/** First run: four steps, each in the track that it is about. */
export class Lessons {
  readonly #steps: readonly HTMLElement[];

  constructor(words: Strings, tracks: Tracks) {
    const { press, lift, lines, words: text } = words.steps;
    const places = [
      ["wave", press],
      ["score", lift],
      ["sent", lines],
      ["text", text],
    ] as const;
    this.#steps = places.map(([track, sentence], i) => {
      const step = h(
        "div",
        { class: `sp-step is-${i + 1}${i === 0 ? " is-first" : ""}` },
        h("b", {}, String(i + 1)),
        h("span", {}, ...withKeys(sentence)),
      );
      tracks.get(track).plot.append(step);
      return step;
    });
  }

  show(on: boolean): void {
    for (const step of this.#steps) step.hidden = !on;
  }
}

/** "Press [R]" -> text and a key cap. */
function withKeys(sentence: string): Child[] {
  return sentence.split(/\[(\w+)\]/).map((part, i) => (i % 2 ? h("kbd", {}, part) : part));
}
