/** Runs on the audio thread. Inlined into the module as text and started from a Blob URL. */
import { BlockCollector } from "./blocks.ts";

class CaptureProcessor extends AudioWorkletProcessor {
  readonly #collector: BlockCollector;

  constructor(options: AudioWorkletNodeOptions) {
    super();
    const block_frames = Number(options.processorOptions?.block_frames);
    this.#collector = new BlockCollector(block_frames, (first_frame, samples) =>
      this.port.postMessage({ first_frame, samples }, [samples.buffer]),
    );
    this.port.onmessage = () => {
      this.#collector.flush();
      this.port.postMessage("flushed");
    };
  }

  process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0];
    if (channels?.length) this.#collector.append(channels, currentFrame);
    return true;
  }
}

registerProcessor("ipyspeaches-capture", CaptureProcessor);
