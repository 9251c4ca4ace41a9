import { h } from "../../view/dom.ts";
import { threshold } from "../../view/format.ts";
import { NumberField } from "../../view/number-field.ts";
import type { Popup } from "../../view/popup.ts";
import { type Option, withPartner } from "../../view/tuning-options.ts";
import type { LabApp } from "../app.ts";

/** Every number of the active detector, also where the bar has no room for them. */
export function openNumbers(app: LabApp, popup: Popup, opener: HTMLElement): void {
  const { words, store } = app;
  const { base } = words;
  popup.dialog(
    opener,
    base.numbers,
    (scope) => {
      const fields: [Option, string, string][] = [
        ["threshold", base.start, ""],
        ["neg_threshold", base.release, ""],
        ["min_silence_duration_ms", base.minSilence, base.ms],
        ["min_speech_duration_ms", base.minSpeech, base.ms],
        ["speech_pad_ms", base.pad, base.ms],
        ["max_speech_duration_s", base.maxSpeech, "s"],
      ];
      const shown = fields.map(([option, label, unit]) => {
        const apply = (value: number) => {
          const detector = store.detector(store.active);
          if (!detector) return;
          const { threshold: start, neg_threshold: release } = detector;
          const changes = {
            threshold: start,
            neg_threshold: release,
            ...withPartner(option, value, detector),
          };
          void app.setDetector(store.active, changes).then(show);
        };
        const field = new NumberField(scope, { label, unit, name: option, apply });
        const show = () => {
          const detector = store.detector(store.active);
          const value = detector?.[option];
          const isLine = option === "threshold" || option === "neg_threshold";
          if (detector && value !== undefined && value !== null)
            field.show(isLine ? threshold(value, detector.unit) : String(Math.round(value)));
        };
        show();
        return field.node;
      });
      return [h("div", { class: "fields" }, ...shown)];
    },
    "is-numbers",
  );
}
