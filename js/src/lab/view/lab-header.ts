import type { Scope } from "../../scope.ts";
import { button, h, setAttribute, setDisabled, setPressed, setText, signButton } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import { type IconName, icon } from "../../view/icons.ts";
import { moreButton, type Popup } from "../../view/popup.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { LabActions } from "../actions.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";
import type { ErrorKind } from "../store.ts";
import { moreGroups } from "./lab-menu.ts";

const KINDS = ["missed", "false_alarms"] as const;

/** Playing, stepping through errors, painting, undo. */
export class LabHeader {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #selection: Selection;
  readonly #play: HTMLButtonElement;
  readonly #loop: HTMLButtonElement;
  readonly #paint: HTMLButtonElement;
  readonly #undo: HTMLButtonElement;
  readonly #redo: HTMLButtonElement;
  readonly #name = h("span");
  readonly #length = h("span");
  readonly #labels = { missed: h("span"), false_alarms: h("span") };
  readonly #steps: HTMLButtonElement[] = [];

  constructor(
    app: LabApp,
    viewport: Viewport,
    selection: Selection,
    actions: LabActions,
    present: () => void,
    popup: Popup,
    scope: Scope,
  ) {
    const { words } = app;
    this.#app = app;
    this.#selection = selection;
    const sign = (name: IconName, label: string, act: () => void) => signButton(scope, name, label, act);
    this.#play = sign("play", words.play, () => actions.play());
    this.#loop = sign("again", words.loop, () => selection.set({ loop: !selection.now.loop }));
    this.#paint = button(scope, { class: "sp-btn lab-paint" }, [icon("brush"), words.paint], () =>
      selection.set({ painting: !selection.now.painting }),
    );
    this.#undo = sign("undo", words.undo, () => void app.edit("undo"));
    this.#redo = sign("redo", words.redo, () => void app.edit("redo"));
    const more = moreButton(words.base.more, scope, (opener) =>
      popup.list(opener, "menu", words.base.more, () =>
        moreGroups(app, viewport, selection, actions, present, popup, opener),
      ),
    );
    this.node = h(
      "div",
      { class: "sp-head", role: "toolbar", "aria-label": words.widget },
      h("div", { class: "sp-group" }, this.#play, this.#loop),
      h(
        "div",
        { class: "sp-two lab-title" },
        h("span", { class: "sp-k sp-num" }, this.#length),
        h("span", { class: "sp-v" }, this.#name),
      ),
      h("span", { class: "sp-sep" }),
      ...KINDS.map((kind) => this.#stepper(kind, actions, scope)),
      h("span", { class: "sp-grow" }),
      this.#paint,
      h("div", { class: "sp-group" }, this.#undo, this.#redo),
      more,
    );
    scope.effect(() => this.#update());
  }

  #update(): void {
    const { store, player, words } = this.#app;
    const { state } = store;
    const playing = player.playing;
    const name = state?.name || words.unnamed;
    setText(this.#name, state ? name : "");
    setText(
      this.#length,
      state ? words.length(words.recording, clock(state.duration_s, 0)) : words.recording,
    );
    this.#name.title = this.#name.textContent ?? "";
    this.#play.replaceChildren(icon(playing ? "stop" : "play"));
    for (const attribute of ["aria-label", "title"])
      setAttribute(this.#play, attribute, playing ? words.base.stop : words.play);
    const { loop, painting, error } = this.#selection.now;
    setPressed(this.#loop, loop);
    setPressed(this.#paint, painting);
    setDisabled(this.#undo, !state?.can_undo, words.undo, words.nothingToUndo);
    setDisabled(this.#redo, !state?.can_redo, words.redo, words.nothingToRedo);
    for (const kind of KINDS) {
      const count = store.errors(kind).length;
      const at = error?.kind === kind && error.index < count ? String(error.index + 1) : "–";
      setText(
        this.#labels[kind],
        words.stepOf(kind === "missed" ? words.missed : words.falseAlarm, at, count),
      );
    }
    for (const step of this.#steps) step.disabled = store.errors(step.dataset.kind as ErrorKind).length === 0;
  }

  #stepper(kind: ErrorKind, actions: LabActions, scope: Scope): HTMLElement {
    const { words } = this.#app;
    const what = kind === "missed" ? words.missed : words.falseAlarm;
    const step = (by: 1 | -1, label: string) => {
      const name = by > 0 ? "next" : "prev";
      const made = signButton(scope, name, label, () => actions.step(kind, by), { "data-kind": kind });
      this.#steps.push(made);
      return made;
    };
    return h(
      "span",
      { class: "sp-group sp-step2", role: "group", "aria-label": what },
      step(-1, words.previous(what)),
      h(
        "span",
        { class: "lab" },
        h("span", { class: `sp-sw ${kind === "missed" ? "miss" : "fa"}` }),
        this.#labels[kind],
      ),
      step(1, words.next(what)),
    );
  }
}
