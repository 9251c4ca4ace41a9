import { batch, type Signal, signal } from "@preact/signals-core";
import type { Scope } from "../scope.ts";
import type { Model } from "../wire/channel.ts";
import { type Detector, type Side, type Traits, traitName } from "../wire/messages.ts";

const NAMES = [
  "state",
  "source_kind",
  "source_label",
  "source_duration_s",
  "pace",
  "take",
  "transport",
  "server_label",
  "server_url",
  "server_state",
  "model",
  "server_version",
  "models",
  "loaded_models",
  "model_jobs",
  "local_model",
  "unfinished",
  "presets",
  "detectors",
  "language",
  "script",
  "detector",
  "turn_detection_kind",
  "server_turn_detection",
  "error",
  "locale",
  "compared",
] as const satisfies readonly (keyof Traits)[];

/** SYNCED state: the kernel's traits as signals, read only. A view that wants a change sends a command. */
export class Synced {
  readonly #traits: ReadonlyMap<keyof Traits, Signal<unknown>>;

  constructor(model: Model, scope: Scope) {
    this.#traits = new Map(NAMES.map((name) => [name, signal<unknown>(model.get(traitName(name)))]));
    // traits that were set together change together, although the model announces one after the other
    const follow = () =>
      batch(() => {
        for (const [name, trait] of this.#traits) trait.value = model.get(traitName(name));
      });
    for (const name of NAMES) {
      const event = `change:${traitName(name)}` as const;
      model.on(event, follow);
      scope.own(() => model.off(event, follow));
    }
  }

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.#traits.get(name)?.value as Traits[K];
  }

  get detector(): Detector {
    return this.get("detector");
  }

  /** Whether the server is the embedded one. */
  get embedded(): boolean {
    return this.get("server_label") === "local";
  }

  /** Whether this page itself sends its audio to the server. */
  get direct(): boolean {
    return this.get("transport") === "webrtc" && this.get("source_kind") === "browser";
  }

  /** Which side's segments count. */
  get side(): Side {
    return this.get("turn_detection_kind");
  }
}
