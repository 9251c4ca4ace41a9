import type { Channel } from "./channel.ts";

const CHUNK_BYTES = 512 * 1024; // well below the size at which notebook servers cut the connection

/** Sends a file to the kernel in pieces; resolves to the id under which the kernel knows it. */
export async function uploadFile(channel: Channel, file: File): Promise<string> {
  const file_id = crypto.randomUUID();
  const { name, size } = file;
  for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
    const piece = await file.slice(offset, offset + CHUNK_BYTES).arrayBuffer();
    channel.send({ type: "file", file_id, name, size, offset }, [piece]);
  }
  return file_id;
}
