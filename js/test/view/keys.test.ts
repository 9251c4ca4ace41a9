import { afterEach, beforeEach, expect, it } from "vitest";
import { Scope } from "../../src/scope.ts";
import { bindKeys } from "../../src/view/keys.ts";

let scope: Scope;
let root: HTMLElement;
let heard: string[];

beforeEach(() => {
  scope = new Scope();
  root = document.createElement("div");
  root.tabIndex = 0;
  document.body.replaceChildren(root);
  bindKeys(root, { keys: {}, enabled: () => true, escape: () => false }, scope);
  heard = [];
  // A notebook listens on the document while keys travel down, and looks away where it is told to.
  const hear = (event: KeyboardEvent) => {
    if (!(event.target as HTMLElement).closest("[data-lm-suppress-shortcuts]")) heard.push(event.key);
  };
  scope.listen<KeyboardEvent>(document, "keydown", hear, { capture: true });
});
afterEach(() => scope.dispose());

const press = (key: string, init: KeyboardEventInit = {}) =>
  root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, ...init }));

it("keeps plain keys from the notebook", () => {
  press("m");
  press("ArrowDown");
  expect(heard).toEqual([]);
});

it("lets a combination reach the notebook, even right behind a plain key", () => {
  press("m");
  press("s", { ctrlKey: true });
  expect(heard).toEqual(["s"]);
});

it("shows an edge while keys act here, and only then", () => {
  const inside = document.createElement("button");
  const outside = document.createElement("button");
  root.append(inside);
  document.body.append(outside);
  const live = () => root.classList.contains("has-keys");
  expect(live()).toBe(false);
  inside.focus();
  expect(live()).toBe(true);
  root.focus();
  expect(live()).toBe(true);
  outside.focus();
  expect(live()).toBe(false);
});
