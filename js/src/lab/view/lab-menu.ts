import { h } from "../../view/dom.ts";
import { download } from "../../view/download.ts";
import { openKeySheet } from "../../view/keys.ts";
import type { Group, Popup } from "../../view/popup.ts";
import { allNumbers, type Tuned } from "../../view/tuning-bar.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { Detector } from "../../wire/messages.ts";
import type { LabActions } from "../actions.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";
import type { Span } from "../wire.ts";
import { nameOf } from "./detector-rows.ts";

const LABEL_FILES = ["rttm", "txt", "TextGrid", "csv"] as const;

/** What has no button of its own: editing by menu, other beginnings of the truth, files, keys. */
export function moreGroups(
  app: LabApp,
  viewport: Viewport,
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
        ...(selection.now.region === null
          ? []
          : [
              { label: words.merge, hint: "M", choose: () => actions.merge() },
              { label: words.remove, hint: "Del", choose: () => actions.remove() },
            ]),
        {
          label: words.snap,
          hint: "Shift",
          checked: selection.now.snap,
          choose: () => selection.set({ snap: !selection.now.snap }),
        },
        { label: words.scoreView, choose: () => void app.setSpan(inView(app, viewport)) },
        { label: words.scoreAll, choose: () => void app.setSpan([0, store.duration_s]) },
        ...store.lanes.map(({ detector }, index) => ({
          label: words.truthFrom(nameOf(detector, words)),
          choose: () => void app.truthFrom(index),
        })),
      ],
    },
    {
      title: words.saveTruth,
      row: true,
      choices: LABEL_FILES.map((format) => ({
        label: format,
        choose: () => void app.exportTruth(format).then(download),
      })),
    },
    {
      choices: [
        { label: words.loadLabels, icon: "file", choose: () => chooseLabels(app) },
        { label: words.saveLab, icon: "copy", choose: () => void app.save().then(download) },
        { label: words.base.allNumbers, icon: "sliders", choose: () => openNumbers(app, popup, opener) },
        { label: words.askServer, icon: "kernel", choose: () => void app.askServer() },
        { label: words.pin, icon: "flag", choose: () => void app.pin() },
        { label: words.base.shortcuts, icon: "keys", hint: "?", choose: () => openKeys(app, popup, opener) },
      ],
    },
  ];
}

function inView({ store }: LabApp, { start_s, end_s }: Viewport): Span {
  return [start_s, Math.min(end_s, store.duration_s)];
}

/** A file of labels, or another lab's file; the browser asks for it. */
function chooseLabels(app: LabApp): void {
  const input = h("input", { type: "file", accept: ".rttm,.txt,.TextGrid,.csv,.vadlab" });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) void app.loadLabels(file);
  });
  input.click();
}

export function openKeys({ words }: LabApp, popup: Popup, opener: HTMLElement): void {
  openKeySheet(popup, opener, words.base.shortcuts, words.keyList);
}

/** The active detector, as bar and dialog tune it. */
export function tunedOf(app: LabApp): Tuned {
  const { store } = app;
  const detector = () => store.detector(store.active);
  const wishes = () => store.wishes(store.active);
  const change = (changes: Partial<Detector>) => {
    const now = detector();
    if (!now) return Promise.resolve(false);
    // both lines always: a release that was never set would follow the start
    const { threshold, neg_threshold } = now;
    return app.setDetector(store.active, { threshold, neg_threshold, ...changes });
  };
  return { detector, wishes, change };
}

function openNumbers(app: LabApp, popup: Popup, opener: HTMLElement): void {
  const { base } = app.words;
  popup.dialog(opener, base.numbers, (scope) => [allNumbers(tunedOf(app), base, scope)], "is-numbers");
}
