import { signal } from "@preact/signals-core";
import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Synced } from "../store/synced.ts";
import type { ModelJob } from "../wire/messages.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { failureSentence } from "./failure.ts";
import { sizes } from "./local-model.ts";
import type { Choice, Group, Popup } from "./popup.ts";

/** Which model to use: what the server has, the presets, and the way to get and load others. */
export function openModels(app: App, popup: Popup, opener: HTMLElement): void {
  const note = signal(app.words.askingServer);
  const manage = () => openModelsPanel(app, popup, opener);
  popup.list(opener, "listbox", app.words.model, () => modelGroups(app, note.value, manage));
  void app.listModels().then(({ failure }) => {
    note.value = failure ? failureSentence(failure, app.words) : "";
  });
}

/** Every model once: presets by their names, the others by their own. */
function modelGroups(app: App, note: string, manage: () => void): Group[] {
  const { synced, words } = app;
  const now = chosenModel(synced);
  const choice = (label: string, model: string): Choice => {
    const has = model ? modelNote(synced, model, words) : "";
    return {
      label,
      selected: model === now,
      choose: () => app.setModel(model),
      ...(has ? { note: has } : {}),
    };
  };
  const presets = synced.get("presets");
  const others = knownModels(synced).filter((known) => !presets.some(({ model }) => model === known));
  return [
    { choices: [choice(words.modelDefault, "")], ...(note ? { note } : {}) },
    {
      title: words.presets,
      choices: presets.map(({ name, model }) => choice(words.preset(name, model), model)),
    },
    {
      title: words.otherModels,
      choices: others.map((model) => choice(modelName(model, model, words), model)),
    },
    { choices: [{ label: words.manageModels, icon: "sliders", choose: manage }] },
  ];
}

/** Have the server download a model, or load one so that the first utterance does not wait for it. */
function openModelsPanel(app: App, popup: Popup, opener: HTMLElement): void {
  popup.dialog(opener, app.words.models, (scope) => new ModelsPanel(app, scope).nodes, "is-models is-wide");
}

/** What a model is called: PocketSphinx, which is there without a download, by what it is good for. */
export function modelName(model: string, name: string, words: Words): string {
  return model.startsWith("pocketsphinx/") ? words.demoModel : name;
}

/** A model's state beside its name: what the server does with it, or what it has of it. */
function modelNote(synced: Synced, model: string, words: Words): string {
  const job = jobOn(synced, model);
  return job ? words.modelJob[job.kind] : words.modelState[modelState(synced, model)];
}

class ModelsPanel {
  readonly nodes: readonly HTMLElement[];
  readonly #app: App;
  readonly #scope: Scope;
  readonly #rows = new Map<string, ModelRow>();
  readonly #list = h("ul", { class: "models" });
  readonly #said = h("p", { class: "said", role: "status" });
  readonly #id: HTMLInputElement;
  readonly #now_ms = signal(Date.now());

  constructor(app: App, scope: Scope) {
    const words = app.words;
    this.#app = app;
    this.#scope = scope;
    this.#id = h("input", {
      type: "text",
      placeholder: "Systran/faster-whisper-small",
      autocomplete: "off",
      spellcheck: "false",
      dir: "ltr",
      "data-later": true, // the list comes first
    });
    const download = () => this.#downloadOther();
    scope.listen<KeyboardEvent>(this.#id, "keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      download();
    });
    this.nodes = [
      this.#list,
      this.#said,
      h("h4", {}, words.otherModel),
      h("label", {}, words.modelId, this.#id),
      h("p", { class: "note" }, words.downloadNote),
      h("div", { class: "acts" }, button(scope, { class: "sp-btn" }, [words.download], download)),
    ];
    scope.interval(() => {
      this.#now_ms.value = Date.now();
    }, 1_000);
    scope.effect(() => this.#update());
  }

  #downloadOther(): void {
    const model = this.#id.value.trim();
    if (!model) return;
    this.#id.value = "";
    void this.#app.workOnModel("download", model);
  }

  #update(): void {
    const { synced } = this.#app;
    const jobs = synced.get("model_jobs").map(({ model }) => model);
    const models = new Set([...knownModels(synced), ...jobs]);
    for (const [model, row] of this.#rows) {
      if (models.has(model)) continue;
      row.node.remove();
      this.#rows.delete(model);
    }
    for (const model of models) this.#row(model).update(this.#now_ms.value);
    setText(this.#said, this.#outcome());
    this.#said.classList.toggle("is-error", Boolean(this.#app.page.model_outcome.value?.failure));
  }

  #row(model: string): ModelRow {
    const known = this.#rows.get(model);
    if (known) return known;
    const row = new ModelRow(this.#app, this.#scope, model);
    this.#rows.set(model, row);
    this.#list.append(row.node);
    return row;
  }

  #outcome(): string {
    const { page, words } = this.#app;
    const outcome = page.model_outcome.value;
    if (!outcome) return "";
    if (outcome.failure) return failureSentence(outcome.failure, words);
    return words.modelDone(outcome.model, outcome.kind, outcome.downloaded);
  }
}

/** One model: its name, what the server has of it, and what the server can be asked to do. */
class ModelRow {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #model: string;
  readonly #note = h("span", { class: "aside" });
  readonly #bar = h("progress", { hidden: true }); // without a value where nobody says how far it is
  readonly #act: HTMLButtonElement;

  constructor(app: App, scope: Scope, model: string) {
    this.#app = app;
    this.#model = model;
    this.#act = button(scope, { class: "sp-btn" }, [""], () => this.#do());
    const preset = app.synced.get("presets").find((one) => one.model === model);
    const shown = preset ? app.words.preset(preset.name, model) : modelName(model, model, app.words);
    const name = h("span", { class: "sp-fill", dir: "auto" }, shown);
    this.node = h("li", {}, h("span", { class: "what" }, name, this.#note, this.#bar), this.#act);
  }

  get #kind(): ModelJob["kind"] | null {
    const state = modelState(this.#app.synced, this.#model);
    return state === "loaded" ? null : state === "installed" ? "load" : "download";
  }

  update(now_ms: number): void {
    const { synced, words } = this.#app;
    const job = jobOn(synced, this.#model);
    setText(
      this.#note,
      modelNote(synced, this.#model, words) + (job ? ` ${howFar(job, now_ms, words)}` : ""),
    );
    this.#bar.hidden = !job;
    setAttribute(this.#bar, "value", job?.total_bytes ? (job.done_bytes ?? 0) / job.total_bytes : null);
    setAttribute(this.#bar, "aria-label", job ? words.modelJob[job.kind] : null);
    const kind = this.#kind;
    const label = kind === null ? "" : words.modelAct[kind];
    setText(this.#act, label);
    setAttribute(this.#act, "aria-label", label ? `${label}: ${this.#model}` : null);
    setAttribute(this.#act, "aria-disabled", job ? true : null);
    this.#hide(kind === null);
  }

  /** The focus does not go with the button. */
  #hide(hidden: boolean): void {
    const focused = this.#act.matches(":focus");
    this.#act.hidden = hidden;
    if (hidden && focused) this.node.closest<HTMLElement>("[role=dialog]")?.focus();
  }

  #do(): void {
    const kind = this.#kind;
    if (kind && !jobOn(this.#app.synced, this.#model)) void this.#app.workOnModel(kind, this.#model);
  }
}

/** "43 of 148 MB" where that is known, else how long it has been going on. */
function howFar({ since_ms, done_bytes = 0, total_bytes }: ModelJob, now_ms: number, words: Words): string {
  if (total_bytes) return words.localModel.of(...sizes(done_bytes, total_bytes));
  return words.spent(Math.max(0, Math.round((now_ms - since_ms) / 1000)));
}

/** What a server has of a model; unknown as long as it was not asked. */
type ModelState = "loaded" | "installed" | "missing" | "unknown";

function modelState(synced: Synced, model: string): ModelState {
  const installed = synced.get("models");
  if (installed.includes(model)) return synced.get("loaded_models").includes(model) ? "loaded" : "installed";
  return installed.length > 0 || synced.get("server_version") ? "missing" : "unknown";
}

function jobOn(synced: Synced, model: string): ModelJob | undefined {
  return synced.get("model_jobs").find((job) => job.model === model);
}

/** The id that is meant: the kernel keeps a preset's name until the server has answered. */
function chosenModel(synced: Synced): string {
  const now = synced.get("model");
  return synced.get("presets").find(({ name }) => name === now)?.model ?? now;
}

/** The presets' models, then those that the server has besides, then the chosen one. */
function knownModels(synced: Synced): string[] {
  const presets = synced.get("presets").map(({ model }) => model);
  return [...new Set([...presets, ...synced.get("models"), chosenModel(synced)])].filter(Boolean);
}
