import { vi } from "vitest";
import type { Block } from "../../src/capture/microphone.ts";

/** The browser's microphone and audio graph, as far as capture touches them. */
export class FakeTrack extends EventTarget {
  readonly label = "Fake microphone";
  stopped = false;
  stop(): void {
    this.stopped = true;
  }
}

export class FakePort {
  onmessage: ((event: { data: Block | "flushed" }) => void) | null = null;
  rest: Block | null = null;
  postMessage(): void {
    if (this.rest) this.onmessage?.({ data: this.rest });
    this.onmessage?.({ data: "flushed" });
  }
}

export interface FakeAudio {
  tracks: FakeTrack[];
  ports: FakePort[];
  contexts: { sampleRate: number; state: string }[];
  constraints: MediaStreamConstraints[];
  /** answers the permission question */
  grant(): void;
  refuse(name: string): void;
}

/** Installs the fakes. `rates` lists what `new AudioContext({sampleRate})` accepts; the default rate is 44,100 Hz. */
export function fakeAudio(options: { ask?: boolean; refuses24k?: boolean } = {}): FakeAudio {
  const audio: FakeAudio = {
    tracks: [],
    ports: [],
    contexts: [],
    constraints: [],
    grant: () => {},
    refuse: () => {},
  };
  class Context {
    readonly sampleRate: number;
    state = "running";
    readonly audioWorklet = { addModule: async () => {} };
    constructor(settings?: { sampleRate?: number }) {
      if (settings?.sampleRate && options.refuses24k) throw new DOMException("rate", "NotSupportedError");
      this.sampleRate = settings?.sampleRate ?? 44_100;
      audio.contexts.push(this);
    }
    createMediaStreamSource() {
      return { connect: () => {}, disconnect: () => {} };
    }
    async resume() {
      this.state = "running";
    }
    async suspend() {
      this.state = "suspended";
    }
    async close() {
      this.state = "closed";
    }
  }
  class Node {
    readonly port = new FakePort();
    constructor() {
      audio.ports.push(this.port);
    }
  }
  const getUserMedia = (constraints: MediaStreamConstraints) => {
    audio.constraints.push(constraints);
    const track = new FakeTrack();
    const stream = { getTracks: () => [track], getAudioTracks: () => [track] };
    audio.tracks.push(track);
    if (!options.ask) return Promise.resolve(stream);
    return new Promise((resolve, reject) => {
      audio.grant = () => resolve(stream);
      audio.refuse = (name) => reject(new DOMException("no", name));
    });
  };
  const mediaDevices = Object.assign(new EventTarget(), { getUserMedia, enumerateDevices: async () => [] });
  vi.stubGlobal("navigator", { mediaDevices, language: "en" });
  vi.stubGlobal("AudioContext", Context);
  vi.stubGlobal("AudioWorkletNode", Node);
  return audio;
}

/** Lets promises that are due settle. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
