import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import { button, h, setAttribute, setText, toggle } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";
import type { OptionGroup, Popup } from "./popup.ts";

const LANGUAGES = [
  "en",
  "zh",
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

/** What a server state looks like; the word stands beside it. */
const SIGNS = {
  ready: ["ok", "is-ok"],
  connecting: ["again", "is-warn"],
  reconnecting: ["again", "is-warn"],
  unreachable: ["lost", "is-error"],
  failed: ["lost", "is-error"],
} as const;

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
      h("span", { class: "sp-v" }, this.sign, this.#value),
    );
    const attributes = { class: `sp-pick ${kind}`, "aria-haspopup": popup, "aria-expanded": false };
    this.node = button(scope, attributes, [two, icon("caret")], () => open(this.node));
  }

  show(key: string, value: string): void {
    setText(this.#key, key);
    setText(this.#value, value);
    setAttribute(this.node, "title", value);
    setAttribute(this.node, "aria-label", `${key}: ${value}`);
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
  #sign = "";

  constructor(app: App, popup: Popup, chooseFile: () => void, scope: Scope) {
    this.#app = app;
    this.#popup = popup;
    this.#chooseFile = chooseFile;
    this.#server = new Picker(scope, "is-server", "dialog", (opener) => this.#openServer(opener));
    this.#source = new Picker(scope, "is-source", "listbox", (opener) => this.#openSource(opener));
    this.#model = new Picker(scope, "is-model sp-pri-3", "listbox", (opener) => this.#openModel(opener));
    this.#language = new Picker(scope, "is-language sp-pri-2", "listbox", (opener) =>
      this.#openLanguage(opener),
    );
    this.update();
  }

  get nodes(): readonly HTMLElement[] {
    return [this.#server, this.#source, this.#model, this.#language].map((picker) => picker.node);
  }

  update(): void {
    const { synced, strings: words } = this.#app;
    const kind = synced.get("source_kind") ?? "browser";
    this.#source.show(
      words.sourceOf[kind] ?? words.source,
      synced.text("source_label") || (words.sourceName[kind] ?? ""),
    );
    const model = synced.text("model");
    this.#model.show(
      words.model,
      model
        .split("/")
        .at(-1)
        ?.replace(/faster-|whisper-(?=.)/g, "") || words.modelDefault,
    );
    this.#language.show(words.language, this.#languageName(synced.text("language")));
    this.#showServer();
  }

  #showServer(): void {
    const { synced, session, strings: words } = this.#app;
    const state = synced.text("server_state") || "unknown";
    const latency_s = session.lines.latency_s;
    const where = synced.text("server_label");
    const known = words.serverState[state] ?? state;
    const ready =
      latency_s !== null
        ? words.readyIn(words.seconds(latency_s.toFixed(2)))
        : where
          ? words.readyAt(shortAddress(where))
          : known;
    this.#server.show(words.server, state === "ready" ? ready : known);
    const [name, tone]: readonly [IconName, string] = SIGNS[state as keyof typeof SIGNS] ?? ["info", ""];
    const sign = `${name} ${tone}`;
    if (sign === this.#sign) return;
    this.#sign = sign;
    this.#server.sign.hidden = false;
    this.#server.sign.className = `is-state ${tone}`;
    this.#server.sign.replaceChildren(icon(name, name === "again" ? "is-turning" : ""));
    toggle(this.#server.sign, "sp-2", tone === "");
  }

  #languageName(tag: string): string {
    if (!tag || tag === "auto") return this.#app.strings.languageAuto;
    return (
      new Intl.DisplayNames([this.#app.strings.lang], { type: "language", fallback: "code" }).of(tag) ?? tag
    );
  }

  #openServer(opener: HTMLElement): void {
    const { synced, session, strings: words } = this.#app;
    const state = synced.text("server_state") || "unknown";
    const latency_s = session.lines.latency_s;
    this.#popup.panel(opener, words.server, [
      [words.server, words.serverState[state] ?? state],
      [words.serverAddress, synced.text("server_label") || "–"],
      [words.model, synced.text("model") || words.modelDefault],
      [words.serverLatency, latency_s === null ? "–" : words.seconds(latency_s.toFixed(2))],
    ]);
  }

  #openSource(opener: HTMLElement): void {
    const { synced, page, strings: words } = this.#app;
    this.#app.listDevices();
    const kind = synced.get("source_kind");
    const label = synced.text("source_label");
    const named = page.devices.filter((device) => device.label);
    const here = named.some((device) => device.label === label);
    const groups: OptionGroup[] = [
      {
        title: words.browserMics,
        options: [
          {
            label: words.defaultMic,
            selected: kind === "browser" && !here,
            choose: () => void this.#app.setSource("browser"),
          },
          ...named.map((device) => ({
            label: device.label,
            selected: kind === "browser" && device.label === label,
            choose: () => void this.#app.setSource("browser", device.id, device.label),
          })),
        ],
      },
      {
        title: words.elsewhere,
        options: [
          {
            label: words.kernelMic,
            selected: kind === "kernel",
            choose: () => void this.#app.setSource("kernel"),
          },
          { label: words.openFile, selected: kind === "file", choose: this.#chooseFile },
        ],
      },
    ];
    this.#popup.list(opener, "listbox", words.source, groups);
  }

  #openModel(opener: HTMLElement): void {
    const { synced, strings: words } = this.#app;
    const now = synced.text("model");
    const models = [...new Set([...(synced.get("models") ?? []), now])].filter(Boolean);
    const options = models.map((model) => ({
      label: model,
      selected: model === now,
      choose: () => this.#app.setModel(model),
    }));
    const first = { label: words.modelDefault, selected: now === "", choose: () => this.#app.setModel("") };
    this.#popup.list(opener, "listbox", words.model, [{ options: options.length ? options : [first] }]);
  }

  #openLanguage(opener: HTMLElement): void {
    const { synced, strings: words } = this.#app;
    const now = synced.text("language") || "auto";
    const options = ["auto", ...LANGUAGES].map((tag) => ({
      label: this.#languageName(tag),
      selected: tag === now,
      choose: () => this.#app.setLanguage(tag === "auto" ? "" : tag),
    }));
    this.#popup.list(opener, "listbox", words.language, [{ options }]);
  }
}

/** "http://127.0.0.1:8000" -> "127.0.0.1:8000": the box is narrow, the whole address is in the panel. */
function shortAddress(label: string): string {
  return label.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
