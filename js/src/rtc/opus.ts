/** Browsers encode one channel for telephones: filtered and reshaped for ears, at some 32 kbit/s. Two channels are
 * encoded as music, closer to the sound itself; that is what a recogniser hears best. */
const FOR_RECOGNISERS = "stereo=1;maxaveragebitrate=128000";

/** A server's answer, with its wish for telephone sound replaced by ours; unchanged where it takes no Opus. */
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
