import { columnsOf, type Speech } from "./speech.ts";

const COLUMN_S = 0.01;
const LOOKED_AT = 24; // columns looked at for one coarse entry: enough for a picture

/** A past of any length: the invented minute over and over. Answers `window` and `audio` as the kernel would. */
export class FakePast {
  readonly #speech: Speech;
  readonly #scores: { score: Float32Array; energy: Float32Array };
  readonly #frame_s: number;
  readonly #period_s: number;

  constructor(
    speech: Speech,
    scores: { score: Float32Array; energy: Float32Array },
    frame_s: number,
    period_s: number,
  ) {
    this.#speech = speech;
    this.#scores = scores;
    this.#frame_s = frame_s;
    this.#period_s = period_s;
  }

  window(args: Record<string, unknown>, clock_s: number, detector: string): [object, DataView[], null] {
    const level = Number(args.level);
    const step = 8 ** level;
    const first_column = Number(args.first_column);
    const columns = Math.max(
      0,
      Math.min(Number(args.columns), Math.floor(clock_s / COLUMN_S / step) - first_column),
    );
    const extremes = new Int16Array(columns * 2);
    for (let i = 0; i < columns; i++) {
      const [min, max] = this.#extremes((first_column + i) * step, step);
      extremes[2 * i] = min;
      extremes[2 * i + 1] = max;
    }
    const begin_s = first_column * step * COLUMN_S;
    const first = Math.floor(begin_s / this.#frame_s / step);
    const entries = Math.ceil((columns * COLUMN_S) / this.#frame_s) + 1;
    const curve = (values: Float32Array) => {
      const out = new Float32Array(entries * 2);
      for (let i = 0; i < entries; i++) {
        const [min, max] = reduce(values, (first + i) * step, step);
        out[2 * i] = min;
        out[2 * i + 1] = max;
      }
      return out;
    };
    const isEnergy = detector === "energy";
    const { score, energy } = this.#scores;
    const curves = [{ detector, frame_s: this.#frame_s, first_frame: first * step, entries }];
    const parts = [extremes, curve(isEnergy ? energy : score), curve(energy)];
    return [{ level, first_column, columns, curves }, parts.map((part) => new DataView(part.buffer)), null];
  }

  /** A tone as loud as the speech was. */
  audio(args: Record<string, unknown>): [object, DataView[], null] {
    const [start_s, end_s] = [Number(args.start_s), Number(args.end_s)];
    const rate = 24_000;
    const samples = new Int16Array(Math.round((end_s - start_s) * rate));
    for (let i = 0; i < samples.length; i++) {
      const amplitude = this.#speech.amplitude[Math.floor((start_s + i / rate) / 0.005)] ?? 0;
      samples[i] = 6000 * amplitude * Math.sin(i * 0.05);
    }
    return [{ start_s, rate }, [new DataView(samples.buffer)], null];
  }

  #extremes(first: number, step: number): [number, number] {
    let [min, max] = [0, 0];
    const every = Math.max(1, Math.floor(step / LOOKED_AT));
    for (let i = 0; i < step; i += every) {
      const column = (first + i) % Math.round(this.#period_s / COLUMN_S);
      const [low = 0, high = 0] = columnsOf(this.#speech, column, 1, COLUMN_S);
      [min, max] = [Math.min(min, low), Math.max(max, high)];
    }
    return [min, max];
  }
}

function reduce(values: Float32Array, first: number, step: number): [number, number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const every = Math.max(1, Math.floor(step / LOOKED_AT));
  for (let i = 0; i < step; i += every) {
    const value = values[(first + i) % values.length] ?? 0;
    [min, max] = [Math.min(min, value), Math.max(max, value)];
  }
  return [min, max];
}
