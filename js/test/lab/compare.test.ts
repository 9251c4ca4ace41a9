import { signal } from "@preact/signals-core";
import { expect, it, vi } from "vitest";
import type { LabApp } from "../../src/lab/app.ts";
import { en } from "../../src/lab/i18n/en.ts";
import type { Selection } from "../../src/lab/selection.ts";
import { ComparePanel } from "../../src/lab/view/compare.ts";
import { Scope } from "../../src/scope.ts";

const CER = { text: "你好", rate: 0.5, measure: "CER", words: [["same", "你好"]] };

it("says how far a comparison is, lets it be stopped, and names what its errors count", async () => {
  let answer: (found: object) => void = () => {};
  const app = {
    words: en,
    store: { detector: () => undefined, active: 0, state: null },
    comparing: signal<number | null>(null),
    compare: () => new Promise((resolve) => (answer = resolve)),
    stopCompare: vi.fn(),
  };
  const selection = { now: { stretch: { start_s: 1, end_s: 4 } } };
  const panel = new ComparePanel(app as unknown as LabApp, selection as unknown as Selection, new Scope());
  panel.update();
  const run = panel.node.querySelector(".lab-run") as HTMLButtonElement;
  const heads = () => [...panel.node.querySelectorAll("header b")].map((node) => node.textContent);
  expect(run.textContent).toBe("Run");
  run.click();
  app.comparing.value = 0.426;
  panel.update();
  expect([run.textContent, panel.node.querySelector("h3 small")?.textContent]).toEqual([
    "Stop",
    "Running… 42 %",
  ]);
  run.click();
  expect(app.stopCompare).toHaveBeenCalledOnce();
  app.comparing.value = null;
  answer({ kind: "other", text: "The run was stopped." });
  await Promise.resolve();
  expect([run.textContent, panel.node.textContent?.includes("was stopped")]).toEqual(["Run", false]);
  run.click();
  answer({ start_s: 1, end_s: 4, reference: null, now: CER, pinned: { ...CER, rate: null, measure: "" } });
  await Promise.resolve();
  expect([run.textContent, ...heads()]).toEqual(["Run again", "CER 0.50", "no reference"]);
});
