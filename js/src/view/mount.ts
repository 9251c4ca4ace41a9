import { Scope } from "../scope.ts";
import { STYLE } from "../style/index.ts";
import { h } from "./dom.ts";

/** Builds a view, and anew when the reader's language changes. */
export function mountView(app: { locale: string }, scope: Scope, build: (scope: Scope) => unknown): void {
  let shown = new Scope(scope.signal);
  scope.watch(
    () => app.locale,
    () => {
      shown.dispose();
      shown = new Scope(scope.signal);
      build(shown);
    },
  );
}

/** Puts a view with its styles into the page, for as long as its scope lasts. */
export function showView(el: HTMLElement, root: HTMLElement, style: string, scope: Scope): void {
  const sheet = h("style", {}, `${STYLE}\n${style}`);
  el.append(sheet, root);
  scope.own(() => {
    sheet.remove();
    root.remove();
  });
}

/** Hides what the saved notebook shows of a widget, for as long as the widget is there and its kernel has spoken. */
export function hideKept(app: { kept: string; answered: { value: boolean } }, scope: Scope): void {
  const sheet = h("style", {}, `.${app.kept} { display: none }`);
  scope.effect(() => {
    if (app.answered.value && app.kept) document.head.append(sheet);
  });
  scope.own(() => sheet.remove());
}
