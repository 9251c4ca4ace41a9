import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Detector, ServerTurnDetection, Side } from "../wire/messages.ts";
import { button, h, setPressed, setText } from "./dom.ts";
import { span } from "./format.ts";
import { icon } from "./icons.ts";
import { NumberField } from "./number-field.ts";
import { colourOf } from "./paint/palette.ts";
import type { Group, Popup } from "./popup.ts";
import { allNumbers, TuningBar } from "./tuning-bar.ts";
import type { Viewport } from "./viewport.ts";

const SERVER_DEFAULT: ServerTurnDetection = { threshold: 0.9, silence_duration_ms: 550 };

/** The running detector and its numbers, whether the view follows, and how much of time it shows. */
export class Tuning {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #bar: TuningBar;
  readonly #followLabel = h("span");
  readonly #follow: HTMLButtonElement;

  constructor(app: App, viewport: Viewport, popup: Popup, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#viewport = viewport;
    this.#follow = button(scope, { class: "sp-btn is-s sp-follow" }, [icon("live"), this.#followLabel], () =>
      viewport.goLive(),
    );
    const choose = (opener: HTMLElement) =>
      popup.list(opener, "menu", words.detector, () =>
        detectorGroups(app, () => openNumbers(app, popup, opener)),
      );
    const parts = { label: words.detector, choose, end: [this.#follow], wide: "sp-only-wide" };
    this.#bar = new TuningBar(words, viewport, tunedOf(app), parts, scope);
    this.node = this.#bar.node;
    scope.effect(() => {
      const { detector } = app.synced;
      this.#bar.show(detector, words.detectorNames[detector.name] ?? detector.name, colourOf(detector.name));
    });
  }

  /** Called every frame: writes only what changed. */
  updateTime(live: boolean): void {
    const { words } = this.#app;
    const { follow, behind_s } = this.#viewport;
    setPressed(this.#follow, follow && live);
    setText(
      this.#followLabel,
      behind_s < 0.5 ? words.follow : words.behind(span(Math.round(behind_s), words)),
    );
    this.#bar.showSpan();
  }
}

function tunedOf(app: App) {
  return {
    detector: () => app.synced.detector,
    wishes: () => app.wishes,
    change: (changes: Partial<Detector>) => app.setDetector(changes),
  };
}

/** The detectors, whose segments count, and the way to all numbers. */
function detectorGroups(app: App, numbers: () => void): Group[] {
  const { synced, words, phase } = app;
  const now = synced.detector.name;
  const running = phase === "live" || phase === "paused";
  const side = (kind: Side) => ({
    label: words.segmentedBy[kind],
    selected: synced.side === kind,
    choose: () => void app.setTurnDetection({ kind }),
  });
  return [
    {
      title: words.detector,
      choices: [...new Set([...synced.get("detectors"), now])].map((name) => ({
        label: words.detectorNames[name] ?? name,
        selected: name === now,
        choose: () => void app.setDetector({ name }),
      })),
    },
    {
      title: words.whoSegments,
      choices: [side("client"), side("server")],
      ...(running ? { note: words.nextRecording } : {}),
    },
    { choices: [{ label: words.allNumbers, icon: "sliders", choose: numbers }] },
  ];
}

/** Every number of the detector, and of the server where its segments count. */
export function openNumbers(app: App, popup: Popup, opener: HTMLElement): void {
  const { words } = app;
  const fill = (scope: Scope) => [allNumbers(tunedOf(app), words, scope), serverNumbers(app, scope)];
  popup.dialog(opener, words.numbers, fill, "is-numbers");
}

function serverNumbers(app: App, scope: Scope): HTMLElement {
  const { words, synced, session } = app;
  const confirmation = h("p", { class: "note", role: "status" });
  const wanted = () => synced.get("server_turn_detection") ?? SERVER_DEFAULT;
  const field = (option: keyof ServerTurnDetection, label: string, unit = "") => {
    const apply = async (value: number) => {
      if (!(await app.setTurnDetection({ [option]: value }))) show();
    };
    const name = `panel-server_${option}`;
    return new NumberField(scope, { label, unit, name, apply: (value) => void apply(value) });
  };
  const threshold = field("threshold", words.serverThreshold);
  const silence = field("silence_duration_ms", words.minSilence, words.ms);
  const node = h(
    "div",
    { class: "fields" },
    h("h4", {}, words.serverSegments),
    threshold.node,
    silence.node,
    confirmation,
  );
  const show = () => {
    const asked = wanted();
    const confirmed = session.confirmed.value;
    node.hidden = synced.side !== "server";
    threshold.show(asked.threshold.toFixed(2));
    silence.show(String(Math.round(asked.silence_duration_ms)));
    const same =
      confirmed?.threshold === asked.threshold && confirmed.silence_duration_ms === asked.silence_duration_ms;
    setText(confirmation, same ? words.confirmed : words.notConfirmed);
  };
  scope.effect(show);
  return node;
}
