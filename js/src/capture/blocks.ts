/** Collects render quanta into blocks of int16 and tells at which frame of the capture each block begins.
 *
 * A block is contiguous: where the audio thread skipped frames, the block before the hole ends early, so that a
 * hole shows in the frame numbers and is never closed up. While the device starts, quanta come and go: the capture
 * begins with the first block that fills without a hole, at frame 0.
 */
export class BlockCollector {
  readonly #emit: (first_frame: number, samples: Int16Array<ArrayBuffer>) => void;
  readonly #size: number;
  #block: Int16Array<ArrayBuffer>;
  #filled = 0;
  /** frames of the audio clock: where the block and where the capture begin */
  #first_frame = 0;
  #origin = 0;
  #begun = false;

  constructor(block_frames: number, emit: (first_frame: number, samples: Int16Array<ArrayBuffer>) => void) {
    this.#size = block_frames;
    this.#block = new Int16Array(block_frames);
    this.#emit = emit;
  }

  /** Adds one quantum; channels are mixed to mono. `frame` is the audio clock at its first sample. */
  append(channels: readonly Float32Array[], frame: number): void {
    const length = channels[0]?.length ?? 0;
    if (this.#filled > 0 && frame !== this.#first_frame + this.#filled) this.#break();
    for (let i = 0; i < length; i++) {
      if (this.#filled === 0) this.#first_frame = frame + i;
      this.#block[this.#filled++] = toInt16(mean(channels, i));
      if (this.#filled === this.#size) this.flush();
    }
  }

  /** Gives out what has been collected, however short. */
  flush(): void {
    if (this.#filled === 0) return;
    if (!this.#begun) this.#origin = this.#first_frame;
    this.#begun = true;
    const block = this.#filled === this.#size ? this.#block : this.#block.slice(0, this.#filled);
    this.#block = new Int16Array(this.#size); // the old one is transferred to the main thread
    this.#filled = 0;
    this.#emit(this.#first_frame - this.#origin, block);
  }

  #break(): void {
    if (this.#begun) this.flush();
    else this.#filled = 0;
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
