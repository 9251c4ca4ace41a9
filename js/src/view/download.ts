import type { Answer } from "../wire/channel.ts";
import { bytesOf } from "../wire/codec.ts";

export const FORMATS = ["srt", "vtt", "txt", "json", "csv", "wav"] as const;
export type Format = (typeof FORMATS)[number];

const KEEP_MS = 10_000; // browsers read the blob a while after the click

/** Hands an exported file to the browser's downloads. */
export function download({ data, buffers }: Answer): void {
  const type = String(data.media_type ?? "application/octet-stream");
  const url = URL.createObjectURL(new Blob(buffers.map(bytesOf), { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = String(data.name ?? "transcript");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
