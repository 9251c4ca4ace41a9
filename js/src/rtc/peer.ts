import type { Scope } from "../scope.ts";
import { PeerError, peerError } from "./peer-errors.ts";

const GATHER_LIMIT_MS = 2_000; // an address that is not found by then is not needed
const OPEN_LIMIT_MS = 10_000;
export const SILENCE_MS = 1_000; // a server holds back a third of that

interface PeerEvents {
  message(text: string): void;
  /** the other side, or the way to it, has gone; this side's own end is not reported */
  closed(detail: string): void;
}

/** An open connection with a server: one track there, messages both ways. It ends with its scope. */
export interface Peer {
  send(text: string): void;
  /** Sends a track from now on; null is `SILENCE_MS` of silence, and then nothing. Returns whether that begins. */
  sendTrack(track: MediaStreamTrack | null): boolean;
}

/** Opens a connection; `exchange` gives the server's answer to an offer.
 *
 * Raises PeerError, and whatever `exchange` raises. Everything opened belongs to `scope`.
 */
export async function openPeer(
  exchange: (offer: string) => Promise<string>,
  events: PeerEvents,
  scope: Scope,
): Promise<Peer> {
  if (typeof RTCPeerConnection !== "function") {
    throw new PeerError("unsupported", "RTCPeerConnection is missing");
  }
  try {
    const connection = new RTCPeerConnection();
    scope.own(() => connection.close());
    // Without a track yet: the server's clock begins with the first audio that it is sent.
    const transceiver = connection.addTransceiver("audio", { direction: "sendonly" });
    preferOpus(transceiver);
    const channel = connection.createDataChannel("oai-events");
    scope.listen<MessageEvent<string>>(channel, "message", ({ data }) => events.message(data));
    await connection.setLocalDescription();
    await gathered(connection, scope);
    const sdp = await exchange(connection.localDescription?.sdp ?? "");
    if (scope.disposed) throw new PeerError("other", "stopped while opening");
    await connection.setRemoteDescription({ type: "answer", sdp: forRecognisers(sdp) });
    await opened(connection, channel, scope);
    watch(connection, channel, events, scope);
    return new OpenPeer(channel, transceiver.sender, scope);
  } catch (error) {
    throw peerError(error);
  }
}

/** Speaches maps no other codec. Silence is sent like speech (Opus' DTX stays off), so that its clock goes on. */
function preferOpus(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities("audio")?.codecs ?? [];
  const opus = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "audio/opus");
  if (opus.length > 0) transceiver.setCodecPreferences(opus);
}

/** Resolves when the offer names every address of this computer: servers accept no later ones. */
function gathered(connection: RTCPeerConnection, scope: Scope): Promise<void> {
  const done = () => connection.iceGatheringState === "complete";
  return until(connection, "icegatheringstatechange", done, GATHER_LIMIT_MS, scope);
}

/** Resolves when messages can be sent; raises PeerError where no way to the server is found. */
async function opened(connection: RTCPeerConnection, channel: RTCDataChannel, scope: Scope): Promise<void> {
  const settled = () => channel.readyState === "open" || isLost(connection);
  await Promise.race([
    until(channel, "open", settled, OPEN_LIMIT_MS, scope),
    until(connection, "connectionstatechange", settled, OPEN_LIMIT_MS, scope),
  ]);
  if (scope.disposed) throw new PeerError("other", "stopped while opening");
  if (channel.readyState !== "open") throw new PeerError("ice", connection.iceConnectionState);
}

/** Resolves when `done` holds after an event, at the limit, or with the scope. */
function until(
  target: EventTarget,
  event: string,
  done: () => boolean,
  limit_ms: number,
  scope: Scope,
): Promise<void> {
  return new Promise((resolve) => {
    const own = scope.child();
    const end = () => {
      resolve();
      own.dispose();
    };
    if (done() || scope.disposed) return end();
    own.own(resolve);
    own.timeout(end, limit_ms);
    own.listen(target, event, () => {
      if (done()) end();
    });
  });
}

function isLost({ connectionState }: RTCPeerConnection): boolean {
  return connectionState === "failed" || connectionState === "closed";
}

/** "disconnected" is not reported: it may heal, and a server that has really gone is found out by its silence. */
function watch(
  connection: RTCPeerConnection,
  channel: RTCDataChannel,
  events: PeerEvents,
  scope: Scope,
): void {
  const own = scope.child();
  const lost = (detail: string) => {
    own.dispose();
    events.closed(detail);
  };
  own.listen(channel, "close", () => lost("channel closed"));
  own.listen(connection, "connectionstatechange", () => {
    if (isLost(connection)) lost(`connection ${connection.connectionState}`);
  });
}

class OpenPeer implements Peer {
  readonly #channel: RTCDataChannel;
  readonly #sender: RTCRtpSender;
  readonly #scope: Scope;
  #track: MediaStreamTrack | null = null;
  #silence: Scope | null = null;

  constructor(channel: RTCDataChannel, sender: RTCRtpSender, scope: Scope) {
    this.#channel = channel;
    this.#sender = sender;
    this.#scope = scope;
    scope.own(() => void this.#send(null));
  }

  send(text: string): void {
    if (this.#channel.readyState === "open") this.#channel.send(text);
  }

  sendTrack(track: MediaStreamTrack | null): boolean {
    if (this.#scope.disposed || track === this.#track) return false;
    this.#track = track;
    this.#silence?.dispose();
    this.#silence = null;
    if (track) void this.#send(track);
    else this.#fallSilent();
    return track === null;
  }

  /** A stream that stops is not silent for a server: what it holds back to put in order stays there, and with it the
   * end of the last word. So silence follows; but not for ever, it would fill the server's memory. */
  #fallSilent(): void {
    const scope = this.#scope.child();
    this.#silence = scope;
    void this.#send(silentTrack(scope));
    scope.timeout(() => {
      scope.dispose();
      void this.#send(null);
    }, SILENCE_MS);
  }

  /** Refused only once the connection is closed, and then nobody listens anyway. */
  async #send(track: MediaStreamTrack | null): Promise<void> {
    await this.#sender.replaceTrack(track).catch(() => {});
  }
}

/** A track of silence. */
function silentTrack(scope: Scope): MediaStreamTrack | null {
  const context = new AudioContext();
  scope.own(() => void context.close());
  const source = context.createConstantSource();
  source.offset.value = 0;
  const destination = context.createMediaStreamDestination();
  source.connect(destination);
  source.start();
  const track = destination.stream.getAudioTracks()[0] ?? null;
  scope.own(() => track?.stop());
  return track;
}

/** Browsers encode one channel for telephones: filtered and reshaped for ears, at some 32 kbit/s. Two channels are
 * encoded as music, closer to the original; that is what a recogniser understands best. */
const FOR_RECOGNISERS = "stereo=1;maxaveragebitrate=128000";

/** A server's answer, with its wish for telephone quality replaced by ours; unchanged where it speaks no Opus. */
export function forRecognisers(answer: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000\/2$/im.exec(answer)?.[1];
  if (payload === undefined) return answer;
  const wishes = new RegExp(`^a=fmtp:${payload} .*$`, "m");
  if (wishes.test(answer)) return answer.replace(wishes, (line) => `${line};${FOR_RECOGNISERS}`);
  return answer.replace(
    new RegExp(`^a=rtpmap:${payload} .*$`, "m"),
    (line) => `${line}\r\na=fmtp:${payload} ${FOR_RECOGNISERS}`,
  );
}
