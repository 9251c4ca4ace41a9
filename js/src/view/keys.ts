import type { Scope } from "../scope.ts";
import { h, toggle } from "./dom.ts";
import type { Popup } from "./popup.ts";
import type { Viewport } from "./viewport.ts";

/** What the single keys do; "Shift n" is another key than "n" where both are given. They work with focus inside the widget only, and never while a field has the focus. */
type KeyMap = Readonly<Record<string, () => unknown>>;

interface KeyActions {
  keys: KeyMap;
  /** with Ctrl or Cmd, such as "z"; with Shift too: "Z". They are kept from the notebook as well. */
  combinations?: KeyMap;
  /** Whether single keys act; Esc always does. */
  enabled(): boolean;
  /** Closes what is open; false when nothing was. */
  escape(): boolean;
}

/** Looking along the time axis, in every widget. */
export function axisKeys(viewport: Viewport): KeyMap {
  return {
    ArrowLeft: () => viewport.pan(-0.1 * viewport.span_s),
    ArrowRight: () => viewport.pan(0.1 * viewport.span_s),
    "+": () => viewport.step("in"),
    "-": () => viewport.step("out"),
    "0": () => viewport.everything(),
  };
}

/** A key as it stands in the sheet; a long one may go to the next line. */
function keyCap(key: string): Node[] {
  const cap = h("kbd", {}, key);
  return key.length > 1 ? [h("wbr"), cap] : [cap];
}

/** The sheet of keys: each with what it does, below and above it what else there is to say. */
export function openKeySheet(
  popup: Popup,
  opener: HTMLElement,
  label: string,
  keyList: readonly (readonly string[])[],
  around: (scope: Scope) => { above: Node[]; below: Node[] } = () => ({ above: [], below: [] }),
): void {
  const rows = keyList.map(([keys = "", does = ""]) =>
    h("div", {}, h("dt", {}, ...keys.split(" ").flatMap(keyCap)), h("dd", {}, does)),
  );
  const fill = (scope: Scope) => {
    const { above, below } = around(scope);
    return [...above, h("dl", { class: "keys" }, ...rows), ...below];
  };
  popup.dialog(opener, label, fill, "is-wide");
}

const SUPPRESS = "data-lm-suppress-shortcuts";
const OURS = new Set([
  "Enter",
  "Escape",
  "Tab",
  "Home",
  "End",
  "PageUp",
  "PageDown",
  "ArrowUp",
  "ArrowDown",
  "ArrowLeft",
  "ArrowRight",
  "Backspace",
  "Delete",
]);

/** Binds the keys, and keeps the notebook from acting on them too.
 *
 * JupyterLab listens on the document before any widget does, and takes letters and Enter in command mode: "m" would
 * turn the cell into text. It looks away from elements with a certain attribute; that is set for plain keys and only
 * while they travel, so that combinations (Ctrl S, …) reach the notebook as everywhere. Notebooks that listen further
 * out in the ordinary way never see plain keys either.
 */
export function bindKeys(root: HTMLElement, actions: KeyActions, scope: Scope): void {
  const before = (event: KeyboardEvent) => {
    const target = event.composedPath()[0];
    if (!(target instanceof HTMLElement) || !root.contains(target) || !isOurs(event, target, actions)) {
      root.removeAttribute(SUPPRESS); // a key right behind one of ours comes before the timer does
      return;
    }
    root.setAttribute(SUPPRESS, "true");
    scope.timeout(() => root.removeAttribute(SUPPRESS), 0);
  };
  scope.listen<KeyboardEvent>(window, "keydown", before, { capture: true });
  showWhereKeysAct(root, actions, scope);
  for (const type of ["keydown", "keypress", "keyup"])
    scope.listen<KeyboardEvent>(root, type, (event) => {
      if (!isOurs(event, event.target as HTMLElement, actions)) return;
      if (type === "keydown" && !event.defaultPrevented) act(event, root, actions);
      event.stopPropagation();
    });
}

/** Single keys are the widget's only while the focus is in it: an edge says so, and keys are named only then. A click
 * anywhere in the widget brings the focus here.
 */
function showWhereKeysAct(root: HTMLElement, { enabled }: KeyActions, scope: Scope): void {
  root.tabIndex = -1;
  const show = (inside: boolean) => toggle(root, "has-keys", inside && enabled());
  scope.listen(root, "focusin", () => show(true));
  scope.listen<FocusEvent>(root, "focusout", ({ relatedTarget }) =>
    show(relatedTarget instanceof Node && root.contains(relatedTarget)),
  );
}

function act(event: KeyboardEvent, root: HTMLElement, actions: KeyActions): void {
  const { keys, enabled } = actions;
  const target = event.target as HTMLElement;
  const combined = combination(event, actions);
  if (combined) {
    combined();
    event.preventDefault();
    return;
  }
  if (event.key === "Escape") {
    if (!actions.escape()) leave(root);
    event.preventDefault();
    return;
  }
  const action = (event.shiftKey ? keys[`Shift ${keyOf(event)}`] : undefined) ?? keys[keyOf(event)];
  if (!action || !enabled() || isTyping(target)) return;
  if (event.key === " " && target.closest("button, [role=option], [role=slider]")) return; // presses what has the focus
  action();
  event.preventDefault();
}

/** Gives the focus to what the widget stands in: the notebook's cell, where there is one. */
function leave(root: HTMLElement): void {
  const host = (root.getRootNode() as ShadowRoot).host ?? root.parentElement;
  const outside = host?.closest<HTMLElement>("[tabindex]");
  if (outside) outside.focus({ preventScroll: true });
  else ((root.getRootNode() as Document).activeElement as HTMLElement | null)?.blur();
}

function keyOf(event: KeyboardEvent): string {
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function isOurs(event: KeyboardEvent, target: HTMLElement, actions: KeyActions): boolean {
  return isPlain(event) || (combination(event, actions) !== undefined && !isTyping(target));
}

function combination(event: KeyboardEvent, { combinations }: KeyActions): (() => unknown) | undefined {
  if (!combinations || event.altKey || !(event.ctrlKey || event.metaKey)) return undefined;
  const key = event.key.toLowerCase();
  return combinations[event.shiftKey ? key.toUpperCase() : key];
}

/** A key without Ctrl, Cmd or Alt. AltGr is how some keyboards write letters: it is no combination. */
function isPlain(event: KeyboardEvent): boolean {
  const combined = event.ctrlKey || event.metaKey || event.altKey;
  if (combined && !event.getModifierState?.("AltGraph")) return false;
  return event.key.length === 1 || OURS.has(event.key);
}

function isTyping(target: HTMLElement): boolean {
  return (
    target instanceof HTMLSelectElement ||
    target.isContentEditable ||
    (target instanceof HTMLInputElement && target.type !== "checkbox" && target.type !== "radio")
  );
}
