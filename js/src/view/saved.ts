import type { Scope } from "../scope.ts";

const HIDE = ".ipyspeaches-saved { display: none }";
let shown = 0;
let style: HTMLStyleElement | null = null;

/** Hides the plain transcript of the saved notebook while a live widget is shown. */
export function hideSaved(scope: Scope): void {
  shown += 1;
  if (!style) {
    style = document.createElement("style");
    style.textContent = HIDE;
    document.head.append(style);
  }
  scope.own(() => {
    shown -= 1;
    if (shown > 0) return;
    style?.remove();
    style = null;
  });
}
