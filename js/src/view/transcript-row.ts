import type { Words } from "../i18n/index.ts";
import type { Line, Lines, Steps } from "../store/lines.ts";
import { type Child, h, setText } from "./dom.ts";
import { warningWords } from "./failure.ts";
import { clock, languageTag } from "./format.ts";
import { icon } from "./icons.ts";

/** Names the rows whose waiting is counted, for `tickWaits`. */
const TICKS = "is-wait";

/** What stands in a row of the transcript: its time, its words, and what is known about them. */
export function rowParts(line: Line, stable: number, words: Words): HTMLElement[] {
  return [when(line), body(line, stable, words), ...side(line, words)];
}

function when(line: Line): HTMLElement {
  return h("span", { class: "when" }, clock(line.start_s), line.kind === "partial" ? icon("dots") : null);
}

function body(line: Line, stable: number, words: Words): HTMLElement {
  if (line.kind === "gap")
    return h(
      "span",
      { class: "body", dir: "auto" },
      icon("gap"),
      warningWords(line.warning ?? "", line.text, words),
    );
  const tail = line.text.slice(stable).trimStart(); // the mark below it begins at its first letter
  const head = line.text.slice(0, line.text.length - tail.length);
  // words that are known to be tentative would be read out, and then others in their place
  const attributes = { class: "tail", "aria-hidden": line.stable >= 0 ? true : null };
  if (line.kind === "partial" && line.text === "") return h("span", { class: "body" }, "…");
  const open = line.kind === "partial" ? h("span", attributes, `${tail.trimEnd()}…`) : null;
  const said = line.kind === "final" ? marked(line, words) : [head];
  return h("span", { class: "body", dir: "auto", lang: languageTag(line) || null }, ...said, open);
}

/** The text, with the words marked that the engine is not sure of. */
function marked({ text, unsure = [] }: Line, words: Words): Child[] {
  const parts: Child[] = [];
  let at = 0;
  for (const [from, to, percent] of unsure) {
    const title = words.unsure(percent);
    parts.push(text.slice(at, from), h("span", { class: "unsure", title }, text.slice(from, to)));
    at = to;
  }
  return [...parts, text.slice(at)];
}

function side(line: Line, words: Words): HTMLElement[] {
  if (line.kind === "gap") return [];
  if (line.kind === "partial") {
    const attributes = { class: `sp-tag ${line.stage === "committed" ? TICKS : ""}`.trim() };
    return [h("span", { class: "side" }, h("span", attributes, stageWords(line, words)))];
  }
  const { steps, slow } = line;
  const text = steps ? `${words.seconds(steps.final_s.toFixed(2))}${slow ? ` ${words.slow}` : ""}` : "";
  const language = line.language
    ? h("span", { class: "sp-tag", dir: "auto" }, line.language.slice(0, 12))
    : null;
  const latency = text
    ? h(
        "span",
        { class: `sp-tag is-lat${slow ? " is-slow" : ""}`, title: steps && stepWords(steps, words) },
        text,
      )
    : null;
  return [h("span", { class: "side" }, language, latency)];
}

/** How far an utterance has come; "recognising 1.2 s" while the server works on it. */
export function stageWords({ stage, taken_ms = 0 }: Line, words: Words): string {
  if (!stage) return words.partial;
  if (stage !== "committed") return words.stages[stage];
  const waited_s = Math.max(0, performance.now() - taken_ms) / 1000;
  return words.stages.committed(words.seconds(waited_s.toFixed(1)));
}

/** Counts on, in the rows of a list, how long the server has been at them. */
export function tickWaits(list: HTMLElement, lines: Lines, words: Words): void {
  for (const tag of list.querySelectorAll<HTMLElement>(`.${TICKS}`)) {
    const line = lines.get(tag.closest<HTMLElement>("[data-key]")?.dataset.key ?? "");
    if (line) setText(tag, stageWords(line, words));
  }
}

/** Where the time went from the end of speech to the text. */
function stepWords({ final_s, cut_s, taken_s }: Steps, words: Words): string {
  const shown = (value_s: number) => words.seconds(Math.max(0, value_s).toFixed(2));
  if (cut_s === null || taken_s === null) return words.latency;
  return words.tookSteps(shown(final_s), shown(cut_s), shown(taken_s - cut_s), shown(final_s - taken_s));
}

/** How much of a partial will hardly change: what the kernel says, else the whole words that two successive versions share. */
export function stableLength(line: Pick<Line, "text" | "stable">, previous: string): number {
  if (line.stable >= 0) return Math.min(line.stable, line.text.length);
  let common = 0;
  while (common < previous.length && common < line.text.length && previous[common] === line.text[common])
    common++;
  if (common === line.text.length) return common;
  // back to the end of a word; scripts without spaces are cut anywhere
  const word = line.text.slice(0, common).search(/[\p{L}\p{N}']+$/u);
  const spaced =
    word >= 0 && /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u.test(line.text[common - 1] ?? "");
  return spaced ? word : common;
}
