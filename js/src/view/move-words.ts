import type { App } from "../app.ts";
import type { Move } from "../store/preview.ts";
import { span } from "./format.ts";
import { shown } from "./scale.ts";

/** What moving a line would do to the past: "Start 0.50 → 0.88.", and the rest of the sentence. */
export function moveWords(app: App, move: Move): readonly string[] {
  const { strings: words } = app;
  const line = move.line === "threshold" ? words.start : words.release;
  const past = span(Math.floor(move.past_s), words);
  const [from, to] = [shown(move.from, move.unit), shown(move.to, move.unit)];
  return words.moving(line, from, to, past, move.before, move.after, move.server);
}
