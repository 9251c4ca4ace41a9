const LONGEST = 400; // characters: more do not fit into any chip, and measuring 100,000 of them would take a frame
const REMEMBERED = 300;

/** Cuts words to the room they have, and remembers how. */
export class Ellipsis {
  readonly #known = new Map<string, { room: number; shown: string }>();

  /** The text, or as much of it as fits with an ellipsis behind it; empty where nothing does. */
  fit(context: CanvasRenderingContext2D, text: string, room: number): string {
    const known = this.#known.get(text);
    if (known?.room === room) return known.shown;
    const shown = cut(context, text, room);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(text, { room, shown });
    return shown;
  }
}

function cut(context: CanvasRenderingContext2D, text: string, room: number): string {
  const width = (words: string) => context.measureText(words).width;
  if (text.length <= LONGEST && width(text) <= room) return text;
  const characters = [...text.slice(0, LONGEST)]; // no half of a pair
  let [fits, above] = [0, characters.length];
  while (above - fits > 1) {
    const middle = (fits + above) >> 1;
    if (width(`${characters.slice(0, middle).join("")}…`) <= room) fits = middle;
    else above = middle;
  }
  return fits === 0 ? "" : `${characters.slice(0, fits).join("").trimEnd()}…`;
}
