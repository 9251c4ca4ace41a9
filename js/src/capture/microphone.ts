import type { Scope } from "../scope.ts";
import { CaptureError, captureError, refusedBeforehand } from "./capture-errors.ts";
import processor from "./processor.ts?raw";

const SESSION_RATE_HZ = 24_000;
const BLOCK_S = 0.04; // 25 messages a second; shorter blocks cost more and arrive no sooner
const START_LIMIT_MS = 3_000;
const FLUSH_LIMIT_MS = 200;

export interface Block {
  first_frame: number;
  samples: Int16Array<ArrayBuffer>;
}

interface MicrophoneEvents {
  block(block: Block): void;
  /** the browser or the user took the device away */
  ended(): void;
}

/** A microphone that is open. Closing is the scope's business; `flush` before, or the last block is lost. */
export interface Microphone {
  readonly label: string;
  readonly rate_hz: number;
  readonly track: MediaStreamTrack | null;
  flush(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** Opens the microphone, asking for permission where needed.
 *
 * Raises CaptureError. Everything opened belongs to `scope`; a scope that ends while the browser still asks releases
 * the microphone the moment it is granted.
 */
export async function openMicrophone(
  device: string,
  events: MicrophoneEvents,
  scope: Scope,
): Promise<Microphone> {
  const refused = refusedBeforehand();
  if (refused) throw refused;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints(device) });
    scope.own(() => {
      for (const track of stream.getTracks()) track.stop();
    });
    if (scope.disposed) throw new CaptureError("other", "stopped while asking");
    const { context, node } = await listen(stream, scope);
    await running(context, scope);
    return new OpenMicrophone(stream, context, node, events, scope);
  } catch (error) {
    throw captureError(error);
  }
}

/** Processing is off: it is tuned for calls, swallows quiet onsets and makes levels incomparable. */
function constraints(device: string): MediaTrackConstraints {
  return {
    channelCount: 1,
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
    ...(device ? { deviceId: { exact: device } } : {}),
  };
}

interface Chain {
  context: AudioContext;
  node: AudioWorkletNode;
}

/** At the session rate where the browser resamples well, else at the device's rate: the kernel resamples then. */
async function listen(stream: MediaStream, scope: Scope): Promise<Chain> {
  try {
    return await chain(new AudioContext({ sampleRate: SESSION_RATE_HZ }), stream, scope);
  } catch (error) {
    if (scope.disposed || (error as Error).name !== "NotSupportedError") throw error;
    return await chain(new AudioContext(), stream, scope);
  }
}

async function chain(context: AudioContext, stream: MediaStream, scope: Scope): Promise<Chain> {
  const own = scope.child();
  own.own(() => void context.close());
  try {
    const source = context.createMediaStreamSource(stream);
    const url = URL.createObjectURL(new Blob([processor], { type: "text/javascript" }));
    try {
      await context.audioWorklet.addModule(url);
    } finally {
      URL.revokeObjectURL(url);
    }
    if (own.disposed) throw new CaptureError("other", "stopped while opening");
    const node = new AudioWorkletNode(context, "ipyspeaches-capture", {
      numberOfOutputs: 0,
      processorOptions: { block_frames: Math.round(context.sampleRate * BLOCK_S) },
    });
    source.connect(node);
    own.own(() => source.disconnect());
    return { context, node };
  } catch (error) {
    own.dispose();
    throw error;
  }
}

/** A page that nobody has clicked may be kept silent: say so instead of waiting forever. */
async function running(context: AudioContext, scope: Scope): Promise<void> {
  const limit = new Promise<never>((_, reject) => {
    scope.timeout(() => reject(new CaptureError("other", "AudioContext suspended")), START_LIMIT_MS);
  });
  await Promise.race([context.resume(), limit]);
}

class OpenMicrophone implements Microphone {
  readonly label: string;
  readonly rate_hz: number;
  readonly track: MediaStreamTrack | null;
  readonly #context: AudioContext;
  readonly #node: AudioWorkletNode;
  readonly #scope: Scope;
  #flushed: (() => void) | null = null;

  constructor(
    stream: MediaStream,
    context: AudioContext,
    node: AudioWorkletNode,
    events: MicrophoneEvents,
    scope: Scope,
  ) {
    const track = stream.getAudioTracks()[0];
    this.track = track ?? null;
    this.label = track?.label ?? "";
    this.rate_hz = context.sampleRate;
    this.#context = context;
    this.#node = node;
    this.#scope = scope;
    node.port.onmessage = ({ data }: MessageEvent<Block | "flushed">) => {
      if (data === "flushed") this.#flushed?.();
      else if (!scope.disposed) events.block(data);
    };
    if (track) scope.listen(track, "ended", () => events.ended());
  }

  /** Resolves when the audio thread has given out what it had collected. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#scope.timeout(() => this.#flushed?.(), FLUSH_LIMIT_MS);
      this.#flushed = () => {
        cancel();
        this.#flushed = null;
        resolve();
      };
      if (this.#scope.disposed) this.#flushed();
      else this.#node.port.postMessage("flush");
    });
  }

  async pause(): Promise<void> {
    await this.flush();
    await this.#context.suspend();
  }

  async resume(): Promise<void> {
    await this.#context.resume();
  }
}
