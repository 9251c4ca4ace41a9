import type { Words } from "../i18n/index.ts";
import type { Line } from "../store/lines.ts";
import { h } from "./dom.ts";
import { warningWords } from "./failure.ts";
import { clock, languageTag } from "./format.ts";
import { icon } from "./icons.ts";

const SLOW_S = 1.5;

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
  const open = line.kind === "partial" ? h("span", attributes, `${tail.trimEnd()}…`) : null;
  return h("span", { class: "body", dir: "auto", lang: languageTag(line) || null }, head, open);
}

function side(line: Line, words: Words): HTMLElement[] {
  if (line.kind === "gap") return [];
  if (line.kind === "partial")
    return [h("span", { class: "side" }, h("span", { class: "sp-tag" }, words.partial))];
  const { latency_s } = line;
  const slow = latency_s !== null && latency_s > SLOW_S;
  const text =
    latency_s === null ? "" : `${words.seconds(latency_s.toFixed(2))}${slow ? ` ${words.slow}` : ""}`;
  const language = line.language
    ? h("span", { class: "sp-tag", dir: "auto" }, line.language.slice(0, 12))
    : null;
  const latency = text
    ? h("span", { class: `sp-tag is-lat${slow ? " is-slow" : ""}`, title: words.latency }, text)
    : null;
  return [h("span", { class: "side" }, language, latency)];
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
