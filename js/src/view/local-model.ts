import type { App } from "../app.ts";
import type { LocalModel } from "../wire/messages.ts";
import { failureSentence } from "./failure.ts";
import { type Sentence, say } from "./status-line.ts";

/** While nothing is heard there is room for it; a download is also waited for while a recording begins. */
const ROOM = new Set(["idle", "stopped", "failed"]);

/** What the status line says of the embedded server's model: that a better one could be had, or how far it is. */
export function localModelSentence(app: App): Sentence | null {
  const local = app.synced.get("local_model");
  if (!local) return null;
  if (local.state === "downloading")
    return ROOM.has(app.phase) || app.phase === "connecting" ? coming(app, local) : null;
  if (!ROOM.has(app.phase)) return null;
  if (local.state === "done") return say(app.words.localModel.done(shortName(local.model)), "ok");
  return local.failure ? failed(app, local) : offered(app, local);
}

function coming(app: App, local: LocalModel): Sentence {
  const words = app.words.localModel;
  const { done_bytes = 0, total_bytes } = local;
  const [strong = "", asking = ""] = words.coming(shortName(local.model));
  return {
    ...say([strong, total_bytes ? words.of(...sizes(done_bytes, total_bytes)) : asking], "again"),
    spoken: strong,
    share: total_bytes ? done_bytes / total_bytes : null,
    ways: [{ label: words.stop, run: () => app.stopDownload() }],
  };
}

function offered(app: App, local: LocalModel): Sentence {
  const words = app.words.localModel;
  const { named, can_run, done_bytes } = local;
  const [strong = "", better = ""] = named ? words.missing(shortName(local.model)) : words.poor;
  const kept = done_bytes ? words.kept(size(done_bytes)) : better;
  const sentence = say([strong, can_run ? kept : words.install], "info");
  if (!can_run) return sentence;
  const label = done_bytes ? words.goOn : named ? words.get(sizeOf(local)) : words.getBetter(sizeOf(local));
  return { ...sentence, ways: [{ label, run: () => app.getModel() }] };
}

function failed(app: App, { failure }: LocalModel): Sentence | null {
  if (!failure) return null;
  const words = app.words.localModel;
  return {
    ...say(["", words.reason(failure.text)], "warn", "is-warn"),
    detail: failureSentence(failure, app.words),
    ways: [{ label: words.again, run: () => app.getModel() }],
  };
}

/** "faster-whisper-base": whose it is fits nowhere. */
function shortName(model: string): string {
  return model.split("/").at(-1) ?? model;
}

function sizeOf({ size_bytes }: LocalModel): string {
  return size_bytes ? size(size_bytes) : "";
}

/** 147_880_000 -> "148 MB". */
function size(bytes: number): string {
  return sizes(bytes, bytes)[1];
}

/** How much of how much, in one unit: 43_000_000, 148_000_000 -> "43", "148 MB". */
export function sizes(done: number, total: number): [string, string] {
  const mega = Math.round(total / 1e6);
  if (mega >= 1000) return [(done / 1e9).toFixed(1), `${(total / 1e9).toFixed(1)} GB`];
  return mega > 0
    ? [String(Math.round(done / 1e6)), `${mega} MB`]
    : [String(Math.round(done / 1e3)), `${Math.round(total / 1e3)} kB`];
}
