import { BlockedError, PeerError } from "./peer-errors.ts";

const ANSWER_LIMIT_MS = 10_000;
const DETAIL_LENGTH = 2_000; // what a server says about a refusal; a proxy's page would be longer

/** Asks the server itself for an answer to an offer.
 *
 * No key is ever sent from here: where one is needed, the kernel asks.
 * Raises BlockedError where the browser does not let the page ask, PeerError where the server refuses.
 */
export async function askServer(url: string, offer: string, signal: AbortSignal): Promise<string> {
  if (isMixed(url)) throw new BlockedError("mixed_content", null);
  const response = await post(url, offer, signal);
  const text = await response.text();
  if (response.ok) return text;
  throw new PeerError("refused", text.slice(0, DETAIL_LENGTH), { status: response.status });
}

async function post(url: string, offer: string, signal: AbortSignal): Promise<Response> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]);
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: offer,
      credentials: "omit",
      redirect: "error", // an answer from somewhere else is none
      signal: limit,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    if (limit.aborted) throw new BlockedError("unreachable", error);
    throw new BlockedError(await whyBlocked(url, limit), error);
  }
}

/** The browser does not say why a request failed. One whose answer stays closed needs no permission of the server: if
 * that comes through, only the permission is missing. */
async function whyBlocked(url: string, signal: AbortSignal): Promise<"cors" | "unreachable"> {
  try {
    await fetch(new URL("/health", url), { mode: "no-cors", credentials: "omit", signal });
    return "cors";
  } catch {
    return "unreachable";
  }
}

/** Secure pages may not ask plain ones, unless they are on the same computer. */
function isMixed(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const loopback = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return location.protocol === "https:" && protocol === "http:" && !loopback;
}
