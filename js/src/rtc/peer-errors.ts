import type { Blocked, PeerErrorKind } from "../wire/messages.ts";

/** Why there is no connection with the server; the kernel has the words for each kind. */
export class PeerError extends Error {
  override readonly name = "PeerError";
  readonly kind: PeerErrorKind;
  readonly detail: string;
  readonly status: number;

  constructor(
    kind: PeerErrorKind,
    detail: string,
    { status = 0, cause }: { status?: number; cause?: unknown } = {},
  ) {
    super(`${kind}: ${detail}`, { cause });
    this.kind = kind;
    this.detail = detail;
    this.status = status;
  }
}

/** Sorts what WebRTC throws; anything unknown keeps the browser's own word for it. */
export function peerError(error: unknown): PeerError {
  if (error instanceof PeerError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : "Error";
  return new PeerError("other", name, { cause: error });
}

/** The browser did not let this page ask the server; the kernel may, so this is no failure yet. */
export class BlockedError extends Error {
  override readonly name = "BlockedError";
  readonly reason: Blocked;

  constructor(reason: Blocked, cause: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}
