/** Collects render quanta into blocks of int16 and tells at which frame of the capture each block begins.
 *
 * A block is contiguous: where the audio thread skipped frames, the block before the hole ends early, so that a
 * hole shows in the frame numbers and is never closed up.
 */
export class BlockCollector {
  readonly #emit: (first_frame: number, samples: Int16Array<ArrayBuffer>) => void;
  readonly #size: number;
  #block: Int16Array<ArrayBuffer>;
  #filled = 0;
  #first_frame = 0;

  constructor(block_frames: number, emit: (first_frame: number, samples: Int16Array<ArrayBuffer>) => void) {
    this.#size = block_frames;
    this.#block = new Int16Array(block_frames);
    this.#emit = emit;
  }

  /** Adds one quantum; channels are mixed to mono. `frame` is the capture frame of its first sample. */
  push(channels: readonly Float32Array[], frame: number): void {
    const length = channels[0]?.length ?? 0;
    if (this.#filled > 0 && frame !== this.#first_frame + this.#filled) this.flush();
    for (let i = 0; i < length; i++) {
      if (this.#filled === 0) this.#first_frame = frame + i;
      this.#block[this.#filled++] = toInt16(mean(channels, i));
      if (this.#filled === this.#size) this.flush();
    }
  }

  /** Gives out what has been collected, however short. */
  flush(): void {
    if (this.#filled === 0) return;
    const block = this.#filled === this.#size ? this.#block : this.#block.slice(0, this.#filled);
    this.#block = new Int16Array(this.#size); // the old one is transferred to the main thread
    this.#filled = 0;
    this.#emit(this.#first_frame, block);
  }
}

function mean(channels: readonly Float32Array[], i: number): number {
  let sum = 0;
  for (const channel of channels) sum += channel[i] ?? 0;
  return sum / channels.length;
}

export function toInt16(value: number): number {
  return Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
}
