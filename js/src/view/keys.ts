import type { Scope } from "../scope.ts";

/** What the single keys do. They work with focus inside the widget only, and never while a field has the focus. */
export type KeyMap = Readonly<Record<string, () => void>>;

const SUPPRESS = "data-lm-suppress-shortcuts";
const OURS = new Set([
  "Enter",
  " ",
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
]);

/** Binds the keys, and keeps the notebook from acting on them too.
 *
 * JupyterLab listens on the document before any widget does, and takes letters and Enter in command mode. It looks
 * away from elements with a certain attribute; that is set for the keys handled here and only while they travel, so
 * that all others (Ctrl S, …) reach the notebook as everywhere.
 */
export function bindKeys(root: HTMLElement, keys: KeyMap, scope: Scope): void {
  const before = (event: KeyboardEvent) => {
    const target = event.composedPath()[0];
    if (!(target instanceof HTMLElement) || !root.contains(target) || hasModifier(event)) return;
    if (!OURS.has(event.key) && !isTyping(target) && !(keyOf(event) in keys)) return;
    root.setAttribute(SUPPRESS, "true");
    scope.timeout(() => root.removeAttribute(SUPPRESS), 0);
  };
  scope.listen<KeyboardEvent>(window, "keydown", before, { capture: true });
  scope.listen<KeyboardEvent>(root, "keydown", (event) => {
    const action = keys[keyOf(event)];
    const target = event.target as HTMLElement;
    if (!action || hasModifier(event) || event.defaultPrevented || isTyping(target)) return;
    if (event.key === " " && target.closest("button, [role=option], [role=slider]")) return; // presses what has the focus
    action();
    event.preventDefault();
    event.stopPropagation();
  });
}

function keyOf(event: KeyboardEvent): string {
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function hasModifier(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.metaKey || event.altKey;
}

function isTyping(target: HTMLElement): boolean {
  return target instanceof HTMLInputElement || target.isContentEditable;
}
