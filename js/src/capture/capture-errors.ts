import type { CaptureErrorKind } from "../wire/messages.ts";

/** Why the microphone cannot be used; `kind` picks the words, `detail` is what the browser said. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  readonly kind: CaptureErrorKind;
  readonly detail: string;

  constructor(kind: CaptureErrorKind, detail: string, options?: ErrorOptions) {
    super(`${kind}: ${detail}`, options);
    this.kind = kind;
    this.detail = detail;
  }
}

const KINDS: Readonly<Record<string, CaptureErrorKind>> = {
  NotAllowedError: "denied",
  PermissionDeniedError: "denied",
  SecurityError: "denied",
  NotFoundError: "no-device",
  DevicesNotFoundError: "no-device",
  OverconstrainedError: "no-device",
  NotReadableError: "busy",
  TrackStartError: "busy",
  AbortError: "busy",
  TypeError: "unsupported",
  NotSupportedError: "unsupported",
};

/** Sorts what getUserMedia and Web Audio throw into the kinds that have words. */
export function captureError(error: unknown): CaptureError {
  if (error instanceof CaptureError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : "Error";
  return new CaptureError(KINDS[name] ?? "other", name, { cause: error });
}

/** A reason that is known before the browser is asked: no secure page, no such interface, refused by the host. */
export function refusedBeforehand(): CaptureError | null {
  if (!navigator.mediaDevices?.getUserMedia) {
    return globalThis.isSecureContext
      ? new CaptureError("unsupported", "navigator.mediaDevices is missing")
      : new CaptureError("insecure", location.origin);
  }
  if (microphonePolicy() === false) return new CaptureError("unsupported", "Permissions-Policy: microphone");
  return null;
}

/** Whether the frame may ask at all (editors embed notebooks in frames that may not); null where unknown. */
function microphonePolicy(): boolean | null {
  const { featurePolicy } = document as { featurePolicy?: { allowsFeature(name: string): boolean } };
  return featurePolicy ? featurePolicy.allowsFeature("microphone") : null;
}

/** Whether the microphone opens without a question; browsers without that interface are expected to ask. */
export async function microphonePermission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state;
  } catch {
    return "prompt";
  }
}
