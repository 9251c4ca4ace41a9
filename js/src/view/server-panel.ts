import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Failure } from "../wire/messages.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { failureSentence } from "./failure.ts";
import { icon } from "./icons.ts";
import { modelName } from "./models.ts";
import type { Popup } from "./popup.ts";

/** Which server: what is known about it, another address and key, and a check now. */
export function openServer(app: App, popup: Popup, opener: HTMLElement): void {
  popup.dialog(opener, app.words.server, (scope) => new ServerPanel(app, scope).nodes, "is-server");
}

function transportWords(transport: string, direct: boolean, words: Words): string {
  return words.transports[direct ? "direct" : transport] ?? transport;
}

/** In place of an address; the kernel uses the same word. */
const EMBEDDED = "embedded";

/** "localhost:8000" is what people type. */
function completed(address: string): string {
  return ["", EMBEDDED].includes(address) || address.includes("://") ? address : `http://${address}`;
}

class ServerPanel {
  readonly nodes: readonly HTMLElement[];
  readonly #app: App;
  readonly #facts = h("dl");
  readonly #said = h("p", { class: "said", role: "status" });
  readonly #address: HTMLInputElement;
  readonly #key: HTMLInputElement;
  readonly #check: HTMLButtonElement;
  readonly #use: HTMLButtonElement;
  readonly #embedded: HTMLButtonElement;

  constructor(app: App, scope: Scope) {
    const words = app.words;
    this.#app = app;
    this.#address = h("input", {
      type: "text",
      inputmode: "url",
      placeholder: "http://127.0.0.1:8000",
      autocomplete: "off",
      spellcheck: "false",
      dir: "ltr",
    });
    this.#address.value = app.synced.get("server_url"); // often only the key is wrong
    // "new-password": a browser must neither fill in nor offer to keep this
    this.#key = h("input", { type: "password", autocomplete: "new-password", dir: "ltr" });
    this.#check = button(
      scope,
      { class: "sp-btn" },
      [icon("again"), words.checkNow],
      () => void this.#checkNow(),
    );
    this.#use = button(
      scope,
      { class: "sp-btn is-primary" },
      [words.useServer],
      () => void this.#useServer(),
    );
    this.#embedded = button(scope, { class: "sp-btn" }, [words.action.use_embedded ?? ""], () => {
      this.#address.value = EMBEDDED;
      void this.#useServer();
    });
    const enter = (event: KeyboardEvent) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      void this.#useServer();
    };
    for (const field of [this.#address, this.#key]) scope.listen<KeyboardEvent>(field, "keydown", enter);
    this.nodes = [
      h("label", {}, words.serverAddress, this.#address),
      h("label", {}, words.serverKey, this.#key),
      h("div", { class: "acts" }, this.#use, this.#check, this.#embedded),
      this.#said,
      h("p", { class: "note" }, words.serverNote),
      this.#facts,
    ];
    scope.own(() => {
      this.#key.value = ""; // not even in a field that nobody sees
    });
    scope.effect(() => this.#update());
  }

  #update(): void {
    const { synced, session, words, gone } = this.#app;
    const state = gone.value ? "unknown" : synced.get("server_state");
    const latency_s = session.lines.latency_s;
    this.#embedded.hidden = synced.embedded;
    const facts: readonly (readonly [string, string])[] = [
      [words.serverStateLabel, words.serverState[state] ?? state],
      [words.serverAddress, synced.embedded ? words.embeddedServer : synced.get("server_label")],
      [words.serverVersion, synced.get("server_version") || "–"],
      [words.transport, transportWords(synced.get("transport"), synced.direct, words)],
      [words.model, modelName(synced.get("model"), synced.get("model"), words) || words.modelDefault],
      [words.inMemory, synced.get("loaded_models").join(", ") || "–"],
      [words.serverLatency, latency_s === null ? "–" : words.seconds(latency_s.toFixed(2))],
    ];
    const rows = facts.map(([term, fact]) => h("div", {}, h("dt", {}, term), h("dd", { dir: "auto" }, fact)));
    this.#facts.replaceChildren(...rows);
  }

  async #checkNow(): Promise<void> {
    const words = this.#app.words;
    this.#busy(true, words.checking);
    const { failure, data } = await this.#app.checkServer();
    const models = Array.isArray(data.models) ? data.models.length : 0;
    this.#busy(false, failure ? "" : words.serverAnswers(String(data.version ?? ""), models));
    if (failure) this.#fail(failure);
  }

  /** Changes the server and checks it at once: a wrong address should not wait for the next recording. */
  async #useServer(): Promise<void> {
    this.#busy(true, this.#app.words.checking);
    this.#address.value = completed(this.#address.value.trim());
    const { failure } = await this.#app.setServer(this.#address.value, this.#key.value);
    this.#key.value = "";
    if (failure) {
      this.#busy(false, "");
      this.#fail(failure);
    } else await this.#checkNow();
  }

  #busy(on: boolean, said: string): void {
    for (const control of [this.#check, this.#use, this.#embedded]) setAttribute(control, "disabled", on);
    this.#said.classList.remove("is-error");
    setText(this.#said, said);
  }

  #fail(failure: Failure): void {
    this.#said.classList.add("is-error");
    setText(this.#said, failureSentence(failure, this.#app.words));
  }
}
