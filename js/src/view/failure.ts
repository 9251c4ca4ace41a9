import type { App } from "../app.ts";
import type { Strings } from "../i18n/index.ts";
import type { Action, CaptureErrorKind, Failure } from "../wire/messages.ts";
import type { IconName } from "./icons.ts";

/** Every failure of the browser's microphone has these three ways out. */
const WAYS_OUT: readonly Action[] = [{ name: "retry" }, { name: "use_kernel" }, { name: "open_file" }];
const BUSY_PHASES = new Set(["asking", "connecting", "live", "paused", "stopping", "gone"]);

export interface Problem {
  title: string;
  text: string;
  detail: string;
  actions: readonly Action[];
}

/** A failure in the reader's language.
 *
 * The page knows the words for what its own microphone does, and for the kernel's kinds of failure where they are
 * translated; the kernel's own sentence is the detail then. "other" is a word of both, and the page's own failures
 * have no title.
 */
export function describe(failure: Failure, words: Strings): Problem {
  const { kind, title, text, detail = "", actions = [] } = failure;
  const page = title === "";
  const own = page || kind !== "other" ? words.problems[kind as CaptureErrorKind] : undefined;
  if (own)
    return {
      ...own,
      detail: page && detail ? words.browserSays(detail) : detail,
      actions: actions.length > 0 ? actions : WAYS_OUT,
    };
  const known = words.failures[kind];
  if (!known) return { title: title || words.problem, text, detail, actions };
  return { ...known, detail: [text, detail].filter(Boolean).join(" "), actions };
}

/** A failure in one paragraph, for places without room for a heading. */
export function failureSentence(failure: Failure, words: Strings): string {
  const { title, text, detail } = describe(failure, words);
  return [words.sentence(title), text, detail].filter(Boolean).join(" ");
}

/** A warning in the reader's language, with the kernel's numbers; its own sentence where there are no words for it. */
export function warningWords(kind: string, text: string, words: Strings): string {
  const numbers = text.match(/\d+(?:\.\d+)?/g) ?? [];
  return words.warnings[kind]?.(numbers, text) ?? text;
}

/** The failure in place of the tracks: with ways out, while nothing is recorded and there is nothing to look at. */
export function panelProblem(app: App): Problem | null {
  const { failure, session } = app;
  if (!failure || session.clock_s > 0 || BUSY_PHASES.has(app.phase)) return null;
  const problem = describe(failure, app.strings);
  return problem.actions.length > 0 ? problem : null;
}

/** The failure for the status line, where it has no panel. */
export function statusProblem(app: App): Problem | null {
  const failure = app.page.refusal ?? (panelProblem(app) || BUSY_PHASES.has(app.phase) ? null : app.failure);
  return failure ? describe(failure, app.strings) : null;
}

export const ACTION_ICONS: Readonly<Record<string, IconName>> = {
  retry: "again",
  use_kernel: "kernel",
  open_file: "file",
};

export function actionLabel({ name, label, label_key }: Action, words: Strings): string {
  return words.action[label_key ?? name] ?? label ?? name;
}

/** Does what a failure's button offers. */
export function runAction(app: App, action: Action, chooseFile: () => void): void {
  if (action.name === "use_kernel") void app.useKernelMicrophone();
  else if (action.name === "open_file") chooseFile();
  else app.start();
}
