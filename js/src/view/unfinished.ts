import type { App } from "../app.ts";
import { dayAndTime, span } from "./format.ts";
import { type Sentence, say } from "./status-line.ts";

/** While nothing is heard there is room for it. */
const ROOM = new Set(["idle", "stopped", "failed"]);

/** What the status line says of a recording that an earlier kernel left: that it can be opened, and what it lacks. */
export function unfinishedSentence(app: App): Sentence | null {
  const left = app.synced.get("unfinished");
  if (!left || !ROOM.has(app.phase)) return null;
  const words = app.words.unfinished;
  if (left.state === "retrying") return say(words.retrying, "again");
  if (left.state === "opened")
    return {
      ...say(words.lacks(left.without_text), "warn", "is-warn"),
      ways: [{ label: words.retry, run: () => app.retryRecording() }],
    };
  if (!app.session.fresh) return null;
  const began = dayAndTime(left.started_ms, Date.now(), app.words.lang);
  return {
    ...say(words.offer(began, span(Math.floor(left.duration_s), app.words)), "info"),
    ways: [
      { label: words.open, run: () => app.openRecording() },
      { label: words.dismiss, run: () => app.dismissRecording() },
    ],
  };
}
