import { h } from "../../view/dom.ts";
import { download } from "../../view/download.ts";
import type { Group, Popup } from "../../view/popup.ts";
import type { LabActions } from "../actions.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";
import { openNumbers } from "./numbers.ts";
import { nameOf } from "./rows.ts";

const LABEL_FILES = ["rttm", "txt", "TextGrid", "csv"] as const;

/** What has no button of its own: editing by menu, other beginnings of the truth, files, keys. */
export function moreGroups(
  app: LabApp,
  selection: Selection,
  actions: LabActions,
  popup: Popup,
  opener: HTMLElement,
): Group[] {
  const { words, store } = app;
  return [
    {
      title: words.edits,
      choices: [
        { label: words.split, hint: "S", choose: () => actions.split() },
        ...(selection.region === null
          ? []
          : [
              { label: words.merge, hint: "M", choose: () => actions.merge() },
              { label: words.remove, hint: "Del", choose: () => actions.remove() },
            ]),
        ...store.lanes.map(({ detector }, index) => ({
          label: words.truthFrom(nameOf(detector, words)),
          choose: () => void app.truthFrom(index),
        })),
      ],
    },
    {
      title: words.saveTruth,
      row: true,
      choices: LABEL_FILES.map((form) => ({
        label: form,
        choose: () => void app.exportTruth(form).then(download),
      })),
    },
    {
      choices: [
        { label: words.base.allNumbers, icon: "sliders", choose: () => openNumbers(app, popup, opener) },
        { label: words.askServer, icon: "kernel", choose: () => void app.askServer() },
        { label: words.pin, icon: "flag", choose: () => void app.pin() },
        { label: words.shortcuts, icon: "keys", hint: "?", choose: () => openKeys(app, popup, opener) },
      ],
    },
  ];
}

export function openKeys({ words }: LabApp, popup: Popup, opener: HTMLElement): void {
  const rows = words.keyList.map(([keys = "", does = ""]) =>
    h("div", {}, h("dt", {}, ...keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, does)),
  );
  popup.dialog(opener, words.shortcuts, () => [h("dl", { class: "keys" }, ...rows)], "is-wide");
}
