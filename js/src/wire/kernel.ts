import type { Scope } from "../scope.ts";
import type { Model } from "./channel.ts";

/** The part of a notebook's kernel connection that is used here. */
interface Kernel {
  interrupt(): Promise<unknown>;
}

/** Notebooks based on Jupyter's own widget manager give their widgets the kernel; others do not. */
export function kernelOf(model: Model): Kernel | null {
  const manager = model.widget_manager as { kernel?: Partial<Kernel> | null } | undefined;
  const kernel = manager?.kernel;
  return typeof kernel?.interrupt === "function" ? (kernel as Kernel) : null;
}

/** Calls `gone` when the kernel was restarted or closed its side of the model.
 *
 * These events belong to Jupyter's own widget manager; where they never come, a kernel that has gone is only known by
 * its silence.
 */
export function onKernelGone(model: Model, scope: Scope, gone: () => void): void {
  for (const event of ["comm_live_update", "comm:close"]) {
    model.on(event as "msg:custom", gone);
    scope.own(() => model.off(event as "msg:custom", gone));
  }
}
