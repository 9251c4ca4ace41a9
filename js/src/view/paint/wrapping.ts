const LONGEST = 400; // characters: more do not fit into any chip, and measuring 100,000 of them would take a frame
const REMEMBERED = 300;
const TRIES = 10; // halvings: a width is found to a pixel
/** What a row may end after: a word, a character of a script without spaces, a part of what has no spaces at all. */
const PIECES =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]\p{P}*\s*|[^\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]{1,24}\s*/gu;

interface Piece {
  text: string;
  /** without the space behind it */
  width: number;
  advance: number;
}

interface Measured {
  pieces: readonly Piece[];
  narrowest: number;
}

type Measure = Pick<CanvasRenderingContext2D, "measureText">;

/** Breaks words into so many rows, between words and never in one, and remembers how wide they are. */
export class Wrapping {
  readonly #most: number;
  readonly #known = new Map<string, Measured>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The least width in which all words have a row. */
  narrowest(context: Measure, text: string): number {
    return this.#measured(context, text).narrowest;
  }

  /** The rows; where they are not enough, as many words as fit and an ellipsis. */
  rows(context: Measure, text: string, room: number): string[] {
    const { pieces } = this.#measured(context, text);
    const { rows, all } = broken(pieces, room, this.#most);
    if (all && text.length <= LONGEST) return rows.map(written);
    const sign = context.measureText("…").width;
    const last = rows.at(-1) ?? [];
    while (last.length > 0 && widthOf(last) + sign > room) last.pop();
    if (last.length === 0) rows.pop();
    const shown = rows.map(written);
    if (shown.length === 0) return sign <= room ? ["…"] : [];
    return [...shown.slice(0, -1), `${shown.at(-1)}…`];
  }

  #measured(context: Measure, text: string): Measured {
    const known = this.#known.get(text);
    if (known) return known;
    const width = (words: string) => context.measureText(words).width;
    const pieces = (text.slice(0, LONGEST).match(PIECES) ?? []).map((piece) => ({
      text: piece,
      width: width(piece.trimEnd()),
      advance: width(piece),
    }));
    const made = { pieces, narrowest: narrowest(pieces, this.#most) };
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(text, made);
    return made;
  }
}

function narrowest(pieces: readonly Piece[], most: number): number {
  let [below, enough] = [0, widthOf(pieces)];
  for (let n = 0; n < TRIES; n++) {
    const middle = (below + enough) / 2;
    if (broken(pieces, middle, most).all) enough = middle;
    else below = middle;
  }
  return Math.ceil(enough);
}

/** Fills one row after the other; stops where a word finds no room. */
function broken(pieces: readonly Piece[], room: number, most: number): { rows: Piece[][]; all: boolean } {
  const rows: Piece[][] = [[]];
  let used = 0;
  for (const piece of pieces) {
    let row = rows[rows.length - 1] as Piece[];
    if (row.length > 0 && used + piece.width > room) {
      if (rows.length === most) return { rows, all: false };
      row = [];
      rows.push(row);
      used = 0;
    }
    if (piece.width > room) return { rows: rows.filter(({ length }) => length > 0), all: false };
    row.push(piece);
    used += piece.advance;
  }
  return { rows, all: true };
}

function widthOf(row: readonly Piece[]): number {
  return row.reduce((sum, { width, advance }, i) => sum + (i === row.length - 1 ? width : advance), 0);
}

function written(row: readonly Piece[]): string {
  return row
    .map(({ text }) => text)
    .join("")
    .trimEnd();
}
