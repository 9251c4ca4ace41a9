import { vi } from "vitest";

/** WebRTC as far as the page touches it. Nothing happens by itself: a test plays the other side. */
export class FakeDataChannel extends EventTarget {
  readyState = "connecting";
  readonly sent: string[] = [];
  readonly label: string;
  constructor(label: string) {
    super();
    this.label = label;
  }
  send(text: string): void {
    this.sent.push(text);
  }
  open(): void {
    this.readyState = "open";
    this.dispatchEvent(new Event("open"));
  }
  say(data: string): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  end(): void {
    this.readyState = "closed";
    this.dispatchEvent(new Event("close"));
  }
}

export class FakeSender {
  track: unknown;
  readonly tracks: unknown[] = [];
  constructor(track: unknown) {
    this.track = track;
  }
  async replaceTrack(track: unknown): Promise<void> {
    this.track = track;
    this.tracks.push(track);
  }
}

export class FakeConnection extends EventTarget {
  iceGatheringState = "new";
  iceConnectionState = "new";
  connectionState = "new";
  localDescription: { sdp: string } | null = null;
  remote: { type: string; sdp: string } | null = null;
  channel: FakeDataChannel | null = null;
  sender: FakeSender | null = null;
  direction = "";
  codecs: string[] = [];

  addTransceiver(track: unknown, { direction }: { direction: string }) {
    this.direction = direction;
    this.sender = new FakeSender(track);
    const setCodecPreferences = (codecs: { mimeType: string }[]) => {
      this.codecs = codecs.map(({ mimeType }) => mimeType);
    };
    return { sender: this.sender, setCodecPreferences };
  }
  createDataChannel(label: string): FakeDataChannel {
    this.channel = new FakeDataChannel(label);
    return this.channel;
  }
  async setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: "offer without addresses" };
  }
  async setRemoteDescription(answer: { type: string; sdp: string }): Promise<void> {
    this.remote = answer;
  }
  gather(): void {
    this.localDescription = { sdp: "offer" };
    this.iceGatheringState = "complete";
    this.dispatchEvent(new Event("icegatheringstatechange"));
  }
  become(state: string): void {
    this.connectionState = state;
    this.iceConnectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  close(): void {
    this.connectionState = "closed";
    this.channel?.end();
  }
}

export interface FakeWebRtc {
  connections: FakeConnection[];
  silences: { stopped: boolean }[];
  contexts: { state: string }[];
  /** connections, silent tracks and audio contexts that nobody has ended */
  readonly left: number;
}

/** Installs the fakes; beside those of `fakeAudio`, if they come first. */
export function fakeWebRtc(): FakeWebRtc {
  const connections: FakeConnection[] = [];
  const silences: { stopped: boolean }[] = [];
  const contexts: { state: string }[] = [];
  class Connection extends FakeConnection {
    constructor() {
      super();
      connections.push(this);
    }
  }
  const Known = (globalThis.AudioContext ?? class {}) as unknown as new (settings?: object) => object;
  class Context extends Known {
    state = "running";
    constructor(settings?: object) {
      super(settings);
      contexts.push(this);
    }
    createConstantSource() {
      return { offset: { value: 1 }, connect: () => {}, start: () => {} };
    }
    createMediaStreamDestination() {
      const track = {
        stopped: false,
        stop() {
          this.stopped = true;
        },
      };
      silences.push(track);
      return { stream: { getAudioTracks: () => [track] } };
    }
    async close() {
      this.state = "closed";
    }
  }
  const codecs = ["audio/PCMU", "audio/opus"].map((mimeType) => ({ mimeType }));
  vi.stubGlobal("RTCPeerConnection", Connection);
  vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs }) });
  vi.stubGlobal("AudioContext", Context);
  return {
    connections,
    silences,
    contexts,
    get left() {
      return (
        connections.filter(({ connectionState }) => connectionState !== "closed").length +
        silences.filter(({ stopped }) => !stopped).length +
        contexts.filter(({ state }) => state !== "closed").length
      );
    },
  };
}
