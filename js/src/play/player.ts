import { signal } from "@preact/signals-core";
import type { Scope } from "../scope.ts";
import type { Answer } from "../wire/channel.ts";
import { bytesOf } from "../wire/codec.ts";

type Fetch = (args: { start_s: number; end_s: number }) => Promise<Answer>;

/** What plays: a stretch of the recording, since when on the audio clock. */
interface Playing {
  source: AudioBufferSourceNode;
  start_s: number;
  end_s: number;
  begun_s: number;
}

/** Plays stretches of the recording, one at a time. The audio device is open only while something plays. */
export class Player {
  readonly #fetch: Fetch;
  readonly #scope: Scope;
  #context: AudioContext | null = null;
  readonly #playing = signal<Playing | null>(null);
  #turn = 0; // rises with every play and stop: what comes back late is dropped

  constructor(fetch: Fetch, scope: Scope) {
    this.#fetch = fetch;
    this.#scope = scope;
    scope.own(() => this.stop());
  }

  get playing(): boolean {
    return this.#playing.value !== null;
  }

  /** The moment that is played now; null while nothing plays. */
  get position_s(): number | null {
    const playing = this.#playing.value;
    if (!playing || !this.#context) return null;
    const { start_s, end_s, begun_s } = playing;
    return Math.min(end_s, start_s + Math.max(0, this.#context.currentTime - begun_s));
  }

  /** Must be called from a click or key: browsers open their speakers only then. */
  async play(start_s: number, end_s: number): Promise<void> {
    this.stop();
    if (end_s <= start_s || this.#scope.disposed) return;
    const turn = ++this.#turn;
    const context = new AudioContext();
    this.#context = context;
    const { failure, data, buffers } = await this.#fetch({ start_s, end_s });
    const bytes = buffers[0];
    if (turn !== this.#turn) return;
    if (failure || !bytes || bytes.byteLength < 2) return this.stop();
    const samples = new Int16Array(bytesOf(bytes));
    const rate_hz = Number(data.rate);
    const source = new AudioBufferSourceNode(context, { buffer: bufferOf(samples, rate_hz) });
    source.connect(context.destination);
    source.addEventListener("ended", () => turn === this.#turn && this.stop(), { once: true });
    source.start();
    this.#playing.value = {
      source,
      start_s: Number(data.start_s),
      end_s: Number(data.start_s) + samples.length / rate_hz,
      begun_s: context.currentTime,
    };
  }

  stop(): void {
    this.#turn++;
    this.#playing.peek()?.source.stop();
    void this.#context?.close();
    this.#context = null;
    this.#playing.value = null;
  }
}

function bufferOf(samples: Int16Array, sampleRate: number): AudioBuffer {
  const buffer = new AudioBuffer({ length: samples.length, sampleRate });
  const channel = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) channel[i] = (samples[i] as number) / 32768;
  return buffer;
}
