import type { ModelJob } from "../wire/messages.ts";
import type { Synced } from "./synced.ts";

/** What a server has of a model; unknown as long as it was not asked. */
export type ModelState = "loaded" | "installed" | "missing" | "unknown";

export function modelState(synced: Synced, model: string): ModelState {
  const installed = synced.get("models") ?? [];
  if (installed.includes(model))
    return (synced.get("loaded_models") ?? []).includes(model) ? "loaded" : "installed";
  return installed.length > 0 || synced.text("server_state") === "ready" ? "missing" : "unknown";
}

export function jobOn(synced: Synced, model: string): ModelJob | undefined {
  return (synced.get("model_jobs") ?? []).find((job) => job.model === model);
}

/** The id that is meant: the kernel keeps a preset's name until the server has answered. */
export function chosenModel(synced: Synced): string {
  const now = synced.text("model");
  return (synced.get("presets") ?? []).find(({ name }) => name === now)?.model ?? now;
}

/** The presets' models, then those that the server has besides, then the chosen one. */
export function knownModels(synced: Synced): string[] {
  const presets = (synced.get("presets") ?? []).map(({ model }) => model);
  return [...new Set([...presets, ...(synced.get("models") ?? []), chosenModel(synced)])].filter(Boolean);
}
