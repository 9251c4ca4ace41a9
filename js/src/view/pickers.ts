import { signal } from "@preact/signals-core";
import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import { button, h, setAttribute, setText, toggle } from "./dom.ts";
import { clock } from "./format.ts";
import { type IconName, icon } from "./icons.ts";
import { modelName, openModels } from "./models.ts";
import type { Choice, Group, Popup } from "./popup.ts";
import { openServer } from "./server-panel.ts";

const LANGUAGES = [
  "en",
  "zh-Hans",
  "zh-Hant",
  "de",
  "es",
  "fr",
  "it",
  "ja",
  "ko",
  "nl",
  "pl",
  "pt",
  "ru",
  "tr",
  "uk",
  "ar",
  "hi",
];

/** What a server state looks like; the word stands beside it. All others are kinds of failure. */
const SIGNS: Readonly<Record<string, readonly [IconName, string]>> = {
  ready: ["ok", "is-ok"],
  connecting: ["again", "is-warn"],
  reconnecting: ["again", "is-warn"],
  none: ["info", ""],
  rested: ["info", ""],
  unknown: ["info", ""],
};

/** A microphone of the machine on which the kernel runs. */
interface KernelDevice {
  index: number;
  name: string;
}

class Picker {
  readonly node: HTMLButtonElement;
  readonly #key = h("span", { class: "sp-k" });
  readonly #value = h("span", { class: "sp-num" });
  readonly sign = h("span", { class: "is-state", hidden: true });

  constructor(scope: Scope, kind: string, popup: "listbox" | "dialog", open: (opener: HTMLElement) => void) {
    const two = h(
      "span",
      { class: "sp-two sp-fill" },
      this.#key,
      " ", // the name of the button is what is seen: "Server Ready"
      h("span", { class: "sp-v" }, this.sign, this.#value),
    );
    const attributes = { class: `sp-pick ${kind}`, "aria-haspopup": popup, "aria-expanded": false };
    this.node = button(scope, attributes, [two, icon("caret")], () => open(this.node));
  }

  show(key: string, value: string): void {
    setText(this.#key, key);
    setText(this.#value, value);
    setAttribute(this.node, "title", value);
  }
}

/** Server, source, model, language: label above, value below, a list behind. */
export class Pickers {
  readonly #app: App;
  readonly #popup: Popup;
  readonly #chooseFile: () => void;
  readonly #server: Picker;
  readonly #source: Picker;
  readonly #model: Picker;
  readonly #language: Picker;
  readonly #kernelDevices = signal<readonly KernelDevice[]>([]);
  readonly #kernelSays = signal("");
  #sign = "";

  constructor(app: App, popup: Popup, chooseFile: () => void, scope: Scope) {
    this.#app = app;
    this.#popup = popup;
    this.#chooseFile = chooseFile;
    this.#server = new Picker(scope, "is-server", "dialog", () => this.openServer());
    this.#source = new Picker(scope, "is-source", "listbox", (opener) => this.#openSource(opener));
    this.#model = new Picker(scope, "is-model sp-pri-3", "listbox", (opener) => this.openModel(opener));
    this.#language = new Picker(scope, "is-language sp-pri-2", "listbox", (opener) =>
      this.openLanguage(opener),
    );
    scope.effect(() => this.#update());
  }

  get nodes(): readonly HTMLElement[] {
    return [this.#server, this.#source, this.#model, this.#language].map((picker) => picker.node);
  }

  #update(): void {
    const { synced, words } = this.#app;
    const kind = synced.get("source_kind");
    const length_s = synced.get("source_duration_s");
    const label = synced.get("source_label") || words.sourceName[kind];
    this.#source.show(words.sourceOf[kind], length_s > 0 ? `${clock(length_s, 0)} · ${label}` : label);
    const model = synced.get("model");
    const short = model.split("/").at(-1) ?? "";
    const name = modelName(model, short.replace(/faster-|whisper-(?=.)/g, ""), words);
    this.#model.show(words.model, name || words.modelDefault);
    this.#language.show(words.language, languageName(this.#app));
    this.#showServer();
  }

  #showServer(): void {
    const { synced, session, words } = this.#app;
    const state = this.#app.gone.value ? "unknown" : synced.get("server_state");
    const latency_s = session.lines.latency_s;
    const where = synced.get("server_label");
    const known = words.serverState[state] ?? words.serverState.failed ?? state;
    const took = latency_s === null ? null : words.seconds(latency_s.toFixed(1));
    const place = synced.embedded ? words.embedded : shortAddress(where);
    const shown: Readonly<Record<string, string>> = {
      ready: took !== null ? words.readyIn(took) : synced.embedded ? known : words.readyAt(place), // fits 610 px
      rested: took === null ? place : words.lastIn(took),
      none: place,
    };
    this.#server.show(words.server, shown[state] || known);
    const [name, tone]: readonly [IconName, string] = SIGNS[state] ?? ["lost", "is-error"];
    const sign = `${name} ${tone}`;
    if (sign === this.#sign) return;
    this.#sign = sign;
    this.#server.sign.hidden = false;
    this.#server.sign.className = `is-state ${tone}`;
    this.#server.sign.replaceChildren(icon(name, name === "again" ? "is-turning" : ""));
    toggle(this.#server.sign, "sp-2", tone === "");
  }

  openServer(): void {
    openServer(this.#app, this.#popup, this.#server.node);
  }

  #openSource(opener: HTMLElement): void {
    const { words } = this.#app;
    this.#app.listDevices();
    this.#kernelSays.value = words.asking;
    this.#popup.list(opener, "listbox", words.source, () => this.#sources());
    void this.#listKernelDevices();
  }

  /** Asked each time the list is opened: the kernel does not notice that a microphone was plugged in. */
  async #listKernelDevices(): Promise<void> {
    const { failure, data } = await this.#app.listKernelDevices();
    const devices = Array.isArray(data.devices) ? (data.devices as KernelDevice[]) : [];
    this.#kernelDevices.value = devices;
    const reason = failure?.text ?? data.error;
    this.#kernelSays.value = reason ? this.#app.words.kernelMicsFailed(String(reason)) : "";
  }

  #sources(): Group[] {
    const { synced, page, words } = this.#app;
    const kind = synced.get("source_kind");
    const label = synced.get("source_label");
    const choice = (
      of: "browser" | "kernel",
      name: string,
      device: string | number,
      label_: string,
    ): Choice => ({
      label: name,
      selected: kind === of && (device === "" ? !this.#isNamed(of, label) : label_ === label),
      choose: () => void this.#app.setSource(of, device, label_),
    });
    const named = page.devices.value.filter((device) => device.label);
    return [
      {
        title: words.browserMics,
        choices: [
          choice("browser", words.defaultMic, "", ""),
          ...named.map((device) => choice("browser", device.label, device.id, device.label)),
        ],
      },
      {
        title: words.kernelMics,
        choices: [
          choice("kernel", words.defaultMic, "", ""),
          ...this.#kernelDevices.value.map(({ index, name }) => choice("kernel", name, index, name)),
        ],
        ...(this.#kernelSays.value ? { note: this.#kernelSays.value } : {}),
      },
      {
        title: words.elsewhere,
        choices: [{ label: words.openFile, selected: kind === "file", choose: this.#chooseFile }],
      },
      {
        title: words.file.speed,
        choices: [1, 0].map((pace) => ({
          label: pace ? words.file.realTime : words.file.fastest,
          selected: pace ? synced.get("pace") > 0 : synced.get("pace") === 0,
          choose: () => this.#app.setPace(pace),
        })),
      },
    ];
  }

  #isNamed(kind: "browser" | "kernel", label: string): boolean {
    const names =
      kind === "browser"
        ? this.#app.page.devices.value.map((device) => device.label)
        : this.#kernelDevices.value.map(({ name }) => name);
    return label !== "" && names.includes(label);
  }

  openModel(opener: HTMLElement): void {
    openModels(this.#app, this.#popup, opener);
  }

  openLanguage(opener: HTMLElement): void {
    const { words } = this.#app;
    const now = languageAsked(this.#app) || "auto";
    const choices = ["auto", ...LANGUAGES].map((tag) => ({
      label: nameOf(tag, words),
      selected: tag === now,
      choose: () => this.#app.setLanguage(tag === "auto" ? "" : tag),
    }));
    this.#popup.list(opener, "listbox", words.language, () => [{ choices }]);
  }
}

/** The language that is asked for, in the reader's. */
export function languageName(app: App): string {
  return nameOf(languageAsked(app), app.words);
}

function nameOf(tag: string, words: Words): string {
  if (!tag || tag === "auto") return words.languageAuto;
  return new Intl.DisplayNames([words.lang], { type: "language", fallback: "code" }).of(tag) ?? tag;
}

/** The language that is asked for, Chinese with the characters in which it is written. */
function languageAsked({ synced }: App): string {
  const language = synced.get("language");
  const script = language === "zh" ? synced.get("script") : "";
  return script ? `zh-${script === "traditional" ? "Hant" : "Hans"}` : language;
}

/** "http://127.0.0.1:8000" -> "127.0.0.1:8000": the box is narrow, the whole address is in the panel. */
function shortAddress(label: string): string {
  return label.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
