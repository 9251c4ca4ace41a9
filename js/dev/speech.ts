/** Invented speech, deterministic, for the harness: an amplitude and a "how much like a voice" every 5 ms. */
const DT = 0.005;

export interface Utterance {
  a: number;
  b: number;
  gain: number;
}

export interface Speech {
  amplitude: Float32Array;
  voice: Float32Array;
}

function random(seed: number): () => number {
  let s = seed | 0;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function hash(i: number, k: number): number {
  return random((i * 2654435761 + k * 40503) | 0)();
}

/** Syllables of changing length and loudness inside each utterance, a low noise floor outside. */
export function speak(utterances: readonly Utterance[], seconds: number): Speech {
  const n = Math.ceil(seconds / DT);
  const amplitude = new Float32Array(n);
  const voice = new Float32Array(n);
  const next = random(41);
  for (const { a, b, gain } of utterances) {
    for (let t = a, k = 0; t < b - 0.06; k++) {
      const length = Math.min(0.13 + 0.14 * next(), b - t);
      const loud = gain * (k % 3 === 0 ? 1 : 0.55 + 0.4 * next()) * (0.7 + 0.3 * next());
      for (let i = Math.floor(t / DT); i < Math.min(n, (t + length * 1.1) / DT); i++) {
        const y =
          loud * Math.sin(Math.PI * Math.max(0, Math.min(1, (i * DT - t) / (length * 1.1))) ** 0.6) ** 0.9;
        amplitude[i] = Math.max(amplitude[i] ?? 0, y);
        voice[i] = Math.max(voice[i] ?? 0, y);
      }
      t += length * 0.92 + (next() < 0.3 ? 0.05 * next() : 0);
    }
  }
  for (let i = 0; i < n; i++)
    amplitude[i] = Math.hypot(amplitude[i] ?? 0, 0.009 * (0.7 + 0.6 * hash(i >> 2, 3)));
  return { amplitude, voice };
}

/** Extremes of waveform columns, int16. */
export function columnsOf({ amplitude }: Speech, first: number, count: number, column_s: number): Int16Array {
  const out = new Int16Array(count * 2);
  for (let c = 0; c < count; c++) {
    const i = Math.floor(((first + c) * column_s) / DT);
    const e = Math.max(amplitude[i] ?? 0, amplitude[i + 1] ?? 0);
    out[2 * c] = -32768 * Math.min(1, e * (0.48 + 0.46 * hash(first + c, 2)));
    out[2 * c + 1] = 32767 * Math.min(1, e * (0.55 + 0.5 * hash(first + c, 1)));
  }
  return out;
}

function mean(values: Float32Array, from_s: number, to_s: number): number {
  let sum = 0;
  let n = 0;
  for (let i = Math.max(0, Math.floor(from_s / DT)); i < Math.min(values.length, to_s / DT); i++, n++)
    sum += values[i] ?? 0;
  return n ? sum / n : 0;
}

/** A score like Silero's and the mean level, for every frame. */
export function scoresOf(
  speech: Speech,
  frame_s: number,
  seconds: number,
): { score: Float32Array; energy: Float32Array } {
  const n = Math.floor(seconds / frame_s);
  const score = new Float32Array(n);
  const energy = new Float32Array(n);
  let p = 0.03;
  let e = 0;
  for (let i = 0; i < n; i++) {
    const level = mean(speech.voice, i * frame_s - 0.02, (i + 1) * frame_s + 0.02);
    const db = 20 * Math.log10(level + 1e-4);
    const goal = (1 / (1 + Math.exp(-(db + 31) / 2.6))) * (1 - 0.22 / (1 + Math.exp((db + 15) / 2)));
    p += (goal - p) * (goal > p ? 0.62 : 0.24);
    score[i] = Math.min(
      0.995,
      Math.max(0.006, p * (0.97 + 0.05 * hash(i, 7)) + 0.03 * (hash(i >> 1, 9) - 0.35)),
    );
    e += (9830 * mean(speech.amplitude, i * frame_s, (i + 1) * frame_s) - e) * 0.45;
    energy[i] = e * (0.9 + 0.2 * hash(i, 5));
  }
  return { score, energy };
}
