import type { Unit } from "../wire/messages.ts";
import { amplitudeDb, threshold } from "./format.ts";

const FLOOR_DB = -60;
const NOISE_RANGE_DB = 40; // a detector that counts from the noise floor

/** How the scores of a detector stand on the vertical axis. */
export interface Scale {
  /** the ends of what a threshold can be */
  min: number;
  max: number;
  /** 0 at the bottom of the row, 1 at its top */
  share(value: number): number;
  /** the inverse of `share` */
  value(share: number): number;
  /** a value as fine as it is shown */
  round(value: number): number;
  /** what an arrow key does */
  step(value: number): number;
  /** labels of the ends of the row */
  top: string;
  bottom: string;
  /** what stands before a rule: "p ≥ 0.50" */
  symbol: string;
}

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

/** Share of the row's height for an energy, on its own dB scale. */
export function energyShare(energy: number): number {
  return clamp(1 - amplitudeDb(energy + 1) / FLOOR_DB, 0, 1);
}

function linear(low: number, high: number, min: number, max: number): Omit<Scale, "top" | "bottom"> {
  return {
    min,
    max,
    share: (value) => clamp((value - low) / (high - low), 0, 1),
    value: (share) => low + share * (high - low),
    round: (value) => Math.round(value * 10) / 10,
    step: () => 0.5,
    symbol: "",
  };
}

const SCALES: Record<Unit, Scale> = {
  probability: {
    ...linear(0, 1, 0, 1),
    round: (value) => Math.round(value * 100) / 100,
    step: () => 0.01,
    top: "1.0",
    bottom: "0.0",
    symbol: "p ",
  },
  energy: {
    min: 0,
    max: 32767,
    share: energyShare,
    value: (share) => 32768 * 10 ** ((FLOOR_DB * (1 - share)) / 20) - 1,
    round: Math.round,
    step: (value) => Math.max(1, value / 100),
    top: "0 dB",
    bottom: "−60 dB",
    symbol: "",
  },
  dBFS: { ...linear(FLOOR_DB, 0, -96, 0), top: "0 dB", bottom: "−60 dB" },
  dB: { ...linear(0, NOISE_RANGE_DB, 0, 96), top: "+40 dB", bottom: "0 dB" },
};

export function scaleOf(unit: Unit): Scale {
  return SCALES[unit] ?? SCALES.probability;
}

/** A threshold as it stands on a flag: with a true minus sign. */
export function shown(value: number, unit: Unit): string {
  return threshold(value, unit).replace("-", "−");
}
