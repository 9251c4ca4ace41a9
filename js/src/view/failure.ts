import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Action, CaptureErrorKind, Failure } from "../wire/messages.ts";
import { button, h } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";

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
export function describe(failure: Failure, words: Words): Problem {
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
export function failureSentence(failure: Failure, words: Words): string {
  const { title, text, detail } = describe(failure, words);
  return [words.sentence(title), text, detail].filter(Boolean).join(" ");
}

/** A warning in the reader's language, with the kernel's numbers; its own sentence where there are no words for it. */
export function warningWords(kind: string, text: string, words: Words): string {
  const numbers = text.match(/\d+(?:\.\d+)?/g) ?? [];
  return words.warnings[kind]?.(numbers, text) ?? text;
}

/** The failure in place of the tracks: with ways out, while nothing is recorded and there is nothing to look at. */
export function panelProblem(app: App): Problem | null {
  const { failure, session } = app;
  if (!failure || !session.fresh || BUSY_PHASES.has(app.phase)) return null;
  const problem = describe(failure, app.words);
  return problem.actions.length > 0 ? problem : null;
}

/** The failure for the status line, where it has no panel. */
export function statusProblem(app: App): Problem | null {
  const refusal = app.page.refusal.value;
  const failure = refusal ?? (panelProblem(app) || BUSY_PHASES.has(app.phase) ? null : app.failure);
  return failure ? describe(failure, app.words) : null;
}

const ACTION_ICONS: Readonly<Record<string, IconName>> = {
  retry: "again",
  use_kernel: "kernel",
  open_file: "file",
  change_server: "sliders",
};

/** Something that a button offers. */
export interface WayOut {
  label: string;
  icon?: IconName;
  run(): void;
}

/** What a failure's buttons open. */
export interface Doors {
  chooseFile(): void;
  /** the panel in which address and key are changed */
  changeServer(): void;
}

/** What a failure's buttons do. */
export function waysOut(app: App, { actions }: Problem, doors: Doors): WayOut[] {
  const runs: Readonly<Record<string, () => void>> = {
    use_kernel: () => void app.useKernelMicrophone(),
    open_file: doors.chooseFile,
    change_server: doors.changeServer,
    use_embedded: () => void app.useEmbedded(),
  };
  const offered = actions.filter(({ name }) => name !== "use_embedded" || !app.synced.embedded);
  return offered.map(({ name }) => ({
    label: app.words.action[name] ?? name,
    icon: ACTION_ICONS[name] ?? "play",
    run: runs[name] ?? (() => app.start()),
  }));
}

/** A failure in place of the tracks, of the same height: what happened, what to do, and buttons that do it. */
export class ErrorPanel {
  readonly node = h("div", { class: "sp-msg", role: "alert", hidden: true });
  readonly #scope: Scope;
  #content: Scope | null = null;
  #shown = "";

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  show(problem: Problem | null, ways: readonly WayOut[]): void {
    const key = JSON.stringify(problem);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#content?.dispose();
    this.node.hidden = problem === null;
    this.node.replaceChildren();
    if (!problem) return;
    const scope = this.#scope.child();
    this.#content = scope;
    const buttons = ways.map((way, i) =>
      button(
        scope,
        { class: i === 0 ? "sp-btn is-primary" : "sp-btn" },
        [way.icon ? icon(way.icon) : null, way.label],
        way.run,
      ),
    );
    this.node.append(
      h("h3", {}, icon("warn"), problem.title),
      h("p", {}, problem.text),
      h("div", { class: "acts" }, ...buttons),
      problem.detail ? h("p", { class: "fine" }, problem.detail) : "",
    );
  }
}
