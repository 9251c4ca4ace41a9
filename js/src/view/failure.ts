import type { App } from "../app.ts";
import type { Strings } from "../i18n/index.ts";
import type { Action, CaptureErrorKind, Failure } from "../wire/messages.ts";

/** Every failure of the browser's microphone has these three ways out. */
const WAYS_OUT: readonly Action[] = [{ name: "retry" }, { name: "use_kernel" }, { name: "open_file" }];
const BUSY_PHASES = new Set(["asking", "connecting", "live", "paused", "stopping"]);

export interface Problem {
  title: string;
  text: string;
  detail: string;
  actions: readonly Action[];
}

/** A failure in the reader's language.
 *
 * The page knows the words for what its own microphone does; everything else comes from the kernel in words already.
 */
export function describe(failure: Failure, words: Strings, browser: boolean): Problem {
  const own = browser ? words.problems[failure.kind as CaptureErrorKind] : undefined;
  const detail = failure.detail ?? "";
  if (!own) {
    const { title, text, actions = [] } = failure;
    return { title: title || words.problem, text, detail, actions };
  }
  return {
    ...own,
    detail: detail && !failure.title ? words.browserSays(detail) : detail,
    actions: failure.actions?.length ? failure.actions : WAYS_OUT,
  };
}

/** What stands in place of the tracks: a failure with ways out, while nothing is being recorded. */
export function panelProblem(app: App): Problem | null {
  const { failure } = app;
  if (!failure || BUSY_PHASES.has(app.phase)) return null;
  const problem = describe(failure, app.strings, app.synced.get("source_kind") !== "kernel");
  return problem.actions.length > 0 ? problem : null;
}

/** Does what a failure's button offers. */
export function runAction(app: App, action: Action, chooseFile: () => void): void {
  if (action.name === "use_kernel") void app.useKernelMicrophone();
  else if (action.name === "open_file") chooseFile();
  else app.start();
}
