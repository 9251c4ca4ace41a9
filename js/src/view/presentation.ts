import type { Scope } from "../scope.ts";

/** Captions first, for a projector: the whole screen where the browser gives it, else the widget's own place. */
export class Presentation {
  readonly #root: HTMLElement;
  readonly #changed: () => void;
  #whole = false;

  constructor(root: HTMLElement, changed: () => void, scope: Scope) {
    this.#root = root;
    this.#changed = changed;
    // the browser's own Esc ends full screen without telling anybody else
    scope.listen(document, "fullscreenchange", () => {
      const left = this.#whole && !this.#isWhole;
      this.#whole = this.#isWhole;
      if (this.on && left) this.leave();
    });
    scope.own(() => {
      if (this.on && this.#isWhole) void document.exitFullscreen();
    });
  }

  get on(): boolean {
    return this.#root.dataset.form === "presentation";
  }

  toggle(): void {
    if (this.on) this.leave();
    else void this.enter();
  }

  async enter(): Promise<void> {
    this.#root.dataset.form = "presentation";
    this.#changed();
    try {
      await this.#root.requestFullscreen?.();
    } catch {
      // refused, as in frames without the permission: the captions stand in the cell then
    }
  }

  leave(): void {
    delete this.#root.dataset.form;
    if (this.#isWhole) void document.exitFullscreen();
    this.#changed();
  }

  get #isWhole(): boolean {
    const { fullscreenElement } = this.#root.getRootNode() as Document;
    return fullscreenElement === this.#root;
  }
}
