import { expect, it, vi } from "vitest";
import { Scope } from "../src/scope.ts";

it("stops what it owns, last first, once", () => {
  const scope = new Scope();
  const order: number[] = [];
  scope.own(() => order.push(1));
  scope.own(() => order.push(2));
  scope.dispose();
  scope.dispose();
  expect(order).toEqual([2, 1]);
});

it("ends with its parent and with the signal it was given", () => {
  const outer = new AbortController();
  const scope = new Scope(outer.signal);
  const child = scope.child();
  outer.abort();
  expect([scope.disposed, child.disposed]).toEqual([true, true]);
});

it("stops at once what is handed to it too late", () => {
  const scope = new Scope();
  scope.dispose();
  const disposer = vi.fn();
  scope.own(disposer);
  scope.timeout(disposer, 0);
  expect(disposer).toHaveBeenCalledTimes(1);
});

it("takes listeners and timers with it", () => {
  vi.useFakeTimers();
  const scope = new Scope();
  const heard = vi.fn();
  const target = new EventTarget();
  scope.listen(target, "x", heard);
  scope.interval(heard, 10);
  scope.timeout(heard, 10);
  scope.dispose();
  target.dispatchEvent(new Event("x"));
  vi.advanceTimersByTime(100);
  vi.useRealTimers();
  expect(heard).not.toHaveBeenCalled();
});
