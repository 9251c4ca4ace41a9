import { h } from "./dom.ts";

/** Puts text on the clipboard; returns whether it is there.
 *
 * Browsers give the clipboard to https pages and to localhost only, and a user may refuse it. The older way, which
 * copies what is selected, works elsewhere too: notebooks are often served by plain http from another machine.
 */
export async function copyText(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text, near);
  }
}

/** `near` is in the same tree as the focus, which goes back to where it was. */
function copySelected(text: string, near: HTMLElement): boolean {
  const root = near.getRootNode() as Document | ShadowRoot;
  const focused = root.activeElement;
  const field = h("textarea", { class: "sp-vh", "aria-hidden": "true", tabindex: -1 });
  field.value = text;
  near.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
