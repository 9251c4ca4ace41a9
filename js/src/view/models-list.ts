import type { App } from "../app.ts";
import { chosenModel, knownModels } from "../store/models.ts";
import { failureSentence } from "./failure.ts";
import { modelNote, openModelsPanel } from "./models-panel.ts";
import type { Choice, Group, Popup } from "./popup.ts";

/** Which model to use: what the server has, the presets, and the way to get and load others. */
export function openModels(app: App, popup: Popup, opener: HTMLElement): void {
  let said = app.strings.askingServer;
  const manage = () => openModelsPanel(app, popup, opener);
  popup.list(opener, "listbox", app.strings.model, () => modelGroups(app, said, manage));
  void app.listModels().then(({ failure }) => {
    said = failure ? failureSentence(failure, app.strings) : "";
    popup.refresh();
  });
}

/** Every model once: presets by their names, the others by their own. */
function modelGroups(app: App, said: string, manage: () => void): Group[] {
  const { synced, strings: words } = app;
  const now = chosenModel(synced);
  const choice = (label: string, model: string): Choice => {
    const note = model ? modelNote(synced, model, words) : "";
    return { label, selected: model === now, choose: () => app.setModel(model), ...(note ? { note } : {}) };
  };
  const presets = synced.get("presets") ?? [];
  const others = knownModels(synced).filter((known) => !presets.some(({ model }) => model === known));
  return [
    { choices: [choice(words.modelDefault, "")], ...(said ? { note: said } : {}) },
    {
      title: words.presets,
      choices: presets.map(({ name, model }) => choice(words.preset(name, model), model)),
    },
    { title: words.otherModels, choices: others.map((model) => choice(model, model)) },
    { choices: [{ label: words.manageModels, icon: "sliders", choose: manage }] },
  ];
}
