import type { Scope } from "../scope.ts";

/** A track without a sound, for the times when there is no microphone.
 *
 * A stream that stops is not silent for a server: what it holds back to put in order stays where it is, and with it
 * the end of the last word.
 */
export function silentTrack(scope: Scope): MediaStreamTrack | null {
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
