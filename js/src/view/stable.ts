import type { Line } from "../store/lines.ts";

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
