import { expect, it } from "vitest";
import { phaseOf } from "../../src/store/page.ts";

it.each([
  ["idle", "closed", false, "idle"],
  ["idle", "closed", true, "failed"],
  ["connecting", "asking", false, "asking"],
  ["connecting", "open", false, "connecting"],
  ["listening", "open", false, "live"],
  ["listening", "open", true, "live"],
  ["paused", "paused", false, "paused"],
  ["stopped", "closed", true, "failed"],
  ["failed", "closed", true, "failed"],
  ["failed", "closed", false, "stopped"],
] as const)("%s, microphone %s, failure %s: %s", (state, capture, failed, phase) => {
  expect(phaseOf(state, capture, failed)).toBe(phase);
});
