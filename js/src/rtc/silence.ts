import type { Scope } from "../scope.ts";

/** A track without a sound. */
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
