import type { CapturedBlock } from "../capture/capture.ts";

const KEPT_S = 3;
const COMPARED_S = 1;
/** Noise that goes on is hardly ever louder than this, measured by its loudest block of a second before. */
const LOUDER = 1.5;
/** Mean |sample|: below this it is quiet whatever came before, such as digital silence. */
const NOTHING = 4;

/** Remembers how loud the last seconds were, and where the capture is now.
 *
 * The kernel judges audio some time after it was captured, and its orders need time to come back: between a server's
 * clear that it wants and the moment that it happens, somebody may have begun to speak. The page knows.
 */
export class Loudness {
  #blocks: { end_s: number; level: number }[] = [];
  #at_ms = 0;

  add({ end_s, samples }: CapturedBlock): void {
    let sum = 0;
    for (const sample of samples) sum += Math.abs(sample);
    if (end_s < this.end_s) this.#blocks = []; // another capture
    this.#blocks.push({ end_s, level: sum / Math.max(1, samples.length) });
    const kept = this.#blocks.findIndex((block) => block.end_s > end_s - KEPT_S);
    this.#blocks.splice(0, kept);
    this.#at_ms = performance.now();
  }

  /** Where the last block ended. */
  get end_s(): number {
    return this.#blocks.at(-1)?.end_s ?? 0;
  }

  /** Where the capture is now; blocks come a little later. */
  get now_s(): number {
    return this.#blocks.length === 0 ? 0 : this.end_s + (performance.now() - this.#at_ms) / 1000;
  }

  /** Whether what came after `heard_s` is no louder than what came before it; false where that is not known. */
  quietSince(heard_s: number): boolean {
    const before = this.#blocks.filter(({ end_s }) => end_s <= heard_s && end_s > heard_s - COMPARED_S);
    if (before.length === 0) return false;
    const limit = Math.max(NOTHING, LOUDER * Math.max(...before.map(({ level }) => level)));
    return this.#blocks.every(({ end_s, level }) => end_s <= heard_s || level <= limit);
  }
}
