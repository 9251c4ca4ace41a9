import { Emitter } from "../emitter.ts";
import type { Scope } from "../scope.ts";
import type { Model } from "../wire/channel.ts";
import { type Detector, type Traits, traitName } from "../wire/messages.ts";

const NAMES = [
  "state",
  "source_kind",
  "source_label",
  "transport",
  "server_label",
  "server_state",
  "model",
  "server_version",
  "models",
  "loaded_models",
  "model_jobs",
  "presets",
  "detectors",
  "language",
  "detector",
  "turn_detection_kind",
  "server_turn_detection",
  "error",
  "locale",
  "compared",
] as const satisfies readonly (keyof Traits)[];

const SILERO: Detector = {
  name: "silero",
  unit: "probability",
  threshold: 0.5,
  neg_threshold: 0.35,
  min_silence_duration_ms: 550,
  min_speech_duration_ms: 250,
  speech_pad_ms: 100,
};

/** SYNCED state: the kernel's traits, read only. A view that wants a change sends a command. */
export class Synced extends Emitter<{ change: keyof Traits }> {
  readonly #model: Model;

  constructor(model: Model, scope: Scope) {
    super();
    this.#model = model;
    for (const name of NAMES) {
      const notify = () => this.emit("change", name);
      const event = `change:${traitName(name)}` as const;
      model.on(event, notify);
      scope.own(() => model.off(event, notify));
    }
  }

  get<K extends keyof Traits>(name: K): Traits[K] | undefined {
    return (this.#model.get(traitName(name)) as Traits[K] | null) ?? undefined;
  }

  text(
    name:
      | "state"
      | "source_label"
      | "transport"
      | "server_label"
      | "server_state"
      | "server_version"
      | "model"
      | "language"
      | "locale",
  ): string {
    return this.get(name) ?? "";
  }

  get detector(): Detector {
    return { ...SILERO, ...this.get("detector") };
  }

  /** Whether this page itself sends its sound to the server. */
  get direct(): boolean {
    return this.text("transport") === "webrtc" && this.get("source_kind") === "browser";
  }

  /** Which side's cuts count. */
  get whose(): "local" | "server" {
    return this.get("turn_detection_kind") === "server" ? "server" : "local";
  }
}
