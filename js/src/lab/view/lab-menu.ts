import { h, setAttribute, setText } from "../../view/dom.ts";
import { download } from "../../view/download.ts";
import { openKeySheet } from "../../view/keys.ts";
import type { Group, Popup } from "../../view/popup.ts";
import { allNumbers, type Tuned } from "../../view/tuning-bar.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { Detector } from "../../wire/messages.ts";
import type { LabActions } from "../actions.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";
import { NOISES, type Span } from "../wire.ts";
import { nameOf } from "./detector-rows.ts";

const SNR_DB = { loudest: -10, none: 40 };
const LABEL_FILES = ["rttm", "txt", "TextGrid", "csv"] as const;

/** What has no button of its own: editing by menu, other beginnings of the truth, files, keys. */
export function moreGroups(
  app: LabApp,
  viewport: Viewport,
  selection: Selection,
  actions: LabActions,
  present: () => void,
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
        { label: words.base.presentation, icon: "screen", hint: "P", choose: present },
        { label: words.noise, icon: "live", choose: () => openNoise(app, popup, opener) },
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

/** How loud the noise is, and which: everything is scored again while it is moved. */
function openNoise(app: LabApp, popup: Popup, opener: HTMLElement): void {
  const { words, store } = app;
  const now = store.state?.noise;
  const slider = h("input", { type: "range", min: SNR_DB.loudest, max: SNR_DB.none, step: 1 });
  setAttribute(slider, "aria-label", words.noise);
  slider.value = String(now?.snr_db ?? SNR_DB.none);
  const kind = h("select", { "aria-label": words.noiseKind });
  kind.append(...NOISES.map((name) => h("option", { value: name }, words.noises[name])));
  kind.value = now?.kind ?? NOISES[0];
  const said = h("span", { class: "sp-num" });
  const hear = () => {
    const snr_db = Number(slider.value);
    const none = snr_db >= SNR_DB.none;
    setText(said, none ? words.noNoise : words.snr(String(snr_db)));
    return none ? null : { kind: kind.value, snr_db };
  };
  hear();
  popup.dialog(
    opener,
    words.noise,
    (scope) => {
      for (const field of [slider, kind]) scope.listen(field, "input", () => void app.setNoise(hear()));
      return [
        h("div", { class: "lab-noise" }, kind, said, slider),
        h("p", { class: "note" }, words.noiseNote),
      ];
    },
    "is-noise",
  );
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
