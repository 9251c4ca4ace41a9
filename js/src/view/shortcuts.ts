import type { App } from "../app.ts";
import { h } from "./dom.ts";
import type { Popup } from "./popup.ts";

/** The sheet of single keys, with the switch that turns them off. */
export function openShortcuts(app: App, popup: Popup, opener: HTMLElement): void {
  const words = app.strings;
  popup.dialog(
    opener,
    words.shortcuts,
    (scope) => {
      const rows = words.keyList.map(([keys = "", does = ""]) =>
        h("div", {}, h("dt", {}, ...keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, does)),
      );
      const box = h("input", { type: "checkbox" });
      box.checked = app.page.shortcuts;
      scope.listen(box, "change", () => {
        app.page.shortcuts = box.checked;
      });
      return [
        h("label", { class: "check" }, box, words.shortcutsOn),
        h("dl", { class: "keys" }, ...rows),
        h("p", { class: "note" }, words.shortcutsNote),
      ];
    },
    "is-wide",
  );
}
