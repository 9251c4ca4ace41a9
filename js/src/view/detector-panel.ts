import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { ServerTurnDetection } from "../wire/messages.ts";
import { h, setText } from "./dom.ts";
import { threshold } from "./format.ts";
import { NumberField } from "./number-field.ts";
import type { Group, Popup } from "./popup.ts";
import { type Option, withPartner } from "./tuning-options.ts";

const SERVER_DEFAULT: ServerTurnDetection = { threshold: 0.9, silence_duration_ms: 550 };

/** The detectors, and who cuts: a menu of two choices and the way to all numbers. */
export function detectorGroups(app: App, openNumbers: () => void): Group[] {
  const { synced, strings: words, phase } = app;
  const now = synced.detector.name.toLowerCase();
  const offered = synced.get("detectors");
  const names = offered?.length ? offered : ["silero", "energy"];
  const running = phase === "live" || phase === "paused";
  const cuts = (kind: "client" | "server") => ({
    label: words.cuts[kind],
    selected: (synced.whose === "server") === (kind === "server"),
    choose: () => void app.setTurnDetection({ kind }),
  });
  return [
    {
      title: words.detectorBar,
      choices: [...new Set([...names, now])].map((name) => ({
        label: words.detectorNames[name] ?? name,
        selected: name === now,
        choose: () => void app.setDetector({ name }),
      })),
    },
    {
      title: words.whoCuts,
      choices: [cuts("client"), cuts("server")],
      ...(running ? { note: words.nextRecording } : {}),
    },
    { choices: [{ label: words.allNumbers, icon: "sliders", choose: openNumbers }] },
  ];
}

/** Every number of the detector and of the server, also where the bar has no room for them. */
export function openNumbers(app: App, popup: Popup, opener: HTMLElement): void {
  popup.dialog(opener, app.strings.numbers, (scope) => new NumbersPanel(app, scope).nodes, "is-numbers");
}

class NumbersPanel {
  readonly nodes: readonly HTMLElement[];
  readonly #app: App;
  readonly #fields = new Map<Option | keyof ServerTurnDetection, (text: string) => void>();
  readonly #server: HTMLElement;
  readonly #confirmed = h("p", { class: "note", role: "status" });

  constructor(app: App, scope: Scope) {
    const words = app.strings;
    this.#app = app;
    const local = (option: Option, label: string, unit = "") => {
      const apply = async (value: number) => {
        const done = await app.setDetector(withPartner(option, value, app.synced.detector));
        if (!done) this.#update();
      };
      return this.#field(scope, option, option, label, unit, (value) => void apply(value));
    };
    const remote = (option: keyof ServerTurnDetection, label: string, unit = "") =>
      this.#field(
        scope,
        option,
        `server_${option}`,
        label,
        unit,
        (value) => void this.#setServer(option, value),
      );
    this.#server = h(
      "div",
      { class: "fields" },
      h("h4", {}, words.serverCuts),
      remote("threshold", words.serverThreshold),
      remote("silence_duration_ms", words.minSilence, words.ms),
      this.#confirmed,
    );
    this.nodes = [
      h(
        "div",
        { class: "fields" },
        local("threshold", words.start),
        local("neg_threshold", words.release),
        local("min_silence_duration_ms", words.minSilence, words.ms),
        local("min_speech_duration_ms", words.minSpeech, words.ms),
        local("speech_pad_ms", words.pad, words.ms),
        local("max_speech_duration_s", words.maxSpeech, words.s),
      ),
      this.#server,
    ];
    app.synced.on(scope, "change", () => this.#update());
    app.session.on(scope, "events", () => this.#update());
    this.#update();
  }

  #field(
    scope: Scope,
    key: Option | keyof ServerTurnDetection,
    name: string,
    label: string,
    unit: string,
    apply: (value: number) => void,
  ): HTMLElement {
    const field = new NumberField(scope, { label, unit, name: `panel-${name}`, apply });
    this.#fields.set(name.startsWith("server_") ? (name as Option) : key, (text) => field.show(text));
    return field.node;
  }

  async #setServer(option: keyof ServerTurnDetection, value: number): Promise<void> {
    const done = await this.#app.setTurnDetection({ [option]: value });
    if (!done) this.#update();
  }

  #update(): void {
    const { synced, session, strings: words } = this.#app;
    const { detector } = synced;
    const show = (name: string, text: string) => this.#fields.get(name as Option)?.(text);
    show("threshold", threshold(detector.threshold, detector.unit));
    show("neg_threshold", threshold(detector.neg_threshold, detector.unit));
    for (const option of ["min_silence_duration_ms", "min_speech_duration_ms", "speech_pad_ms"] as const)
      show(option, String(Math.round(detector[option])));
    show("max_speech_duration_s", String(detector.max_speech_duration_s ?? 30));
    this.#server.hidden = synced.whose !== "server";
    const wanted = synced.get("server_turn_detection") ?? SERVER_DEFAULT;
    show("server_threshold", wanted.threshold.toFixed(2));
    show("server_silence_duration_ms", String(Math.round(wanted.silence_duration_ms)));
    const { confirmed } = session;
    const same =
      confirmed?.threshold === wanted.threshold &&
      confirmed.silence_duration_ms === wanted.silence_duration_ms;
    setText(this.#confirmed, confirmed ? (same ? words.confirmed : words.notConfirmed) : words.notConfirmed);
  }
}
