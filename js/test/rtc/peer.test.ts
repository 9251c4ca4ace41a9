// @vitest-environment node
import { expect, it } from "vitest";
import { forRecognisers } from "../../src/rtc/peer.ts";

const WISHES = "stereo=1;maxaveragebitrate=128000";
const sdp = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join("");

it("asks for Opus as music, once", () => {
  const answer = sdp("m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 opus/48000/2", "a=mid:0");
  expect(forRecognisers(answer)).toBe(
    sdp("m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 opus/48000/2", `a=fmtp:96 ${WISHES}`, "a=mid:0"),
  );
});

it("adds to what the server wishes", () => {
  const answer = sdp("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=mid:0");
  expect(forRecognisers(answer)).toBe(
    sdp("a=rtpmap:111 opus/48000/2", `a=fmtp:111 minptime=10;useinbandfec=1;${WISHES}`, "a=mid:0"),
  );
});

it("leaves other answers alone", () => {
  expect(forRecognisers(sdp("a=rtpmap:0 PCMU/8000"))).toBe(sdp("a=rtpmap:0 PCMU/8000"));
});
