import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { TakeRow, TakeText } from "../wire/messages.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { clock, dayAndTime } from "./format.ts";
import { icon } from "./icons.ts";
import { askName } from "./marks.ts";
import type { Choice, Group, Popup } from "./popup.ts";

/** Which take is shown, over its picture; behind it the list of all, and what can be done with the one that is shown. */
export class TakePicker {
  readonly node: HTMLButtonElement;
  readonly #app: App;
  readonly #popup: Popup;
  readonly #name = h("span", { class: "sp-fill", dir: "auto" });

  constructor(app: App, popup: Popup, scope: Scope) {
    this.#app = app;
    this.#popup = popup;
    const attributes = { class: "sp-take", "aria-haspopup": "menu", "aria-expanded": false, hidden: true };
    this.node = button(scope, attributes, [this.#name, icon("caret")], () => void this.open(this.node));
    scope.effect(() => this.#update());
  }

  #update(): void {
    const take = this.#app.synced.get("take");
    this.node.hidden = take === null;
    if (!take) return;
    const name = takeName(take, this.#app.words);
    setText(this.#name, name);
    const { takeOf, takes } = this.#app.words;
    setAttribute(this.node, "title", take.count > 1 ? `${name}, ${takeOf(take.count)}` : name);
    setAttribute(this.node, "aria-label", `${takes}: ${name}`);
  }

  /** The list, the newest first; it is asked for each time, as there may be thousands. */
  async open(opener: HTMLElement): Promise<void> {
    const rows = await this.#app.listTakes();
    this.#popup.list(opener, "menu", this.#app.words.takes, () => this.#groups(rows, opener));
  }

  #groups(rows: readonly TakeRow[], opener: HTMLElement): Group[] {
    const { words, synced, phase } = this.#app;
    const shown = synced.get("take");
    const busy = phase === "live" || phase === "paused" || phase === "connecting" || phase === "stopping";
    const now_ms = Date.now();
    const choices = rows.map((row): Choice => {
      const name = takeName(row, words);
      const about = `${dayAndTime(row.started_ms, now_ms, words.lang)} · ${clock(row.duration_s, 0)}`;
      const choose = () => void this.#app.showTake(row.number);
      return { label: name, note: about, selected: row.number === shown?.number, choose };
    });
    const own = rows.find(({ number }) => number === shown?.number);
    const acts: Choice[] = own
      ? [
          { label: words.renameTake, choose: () => this.#rename(own, opener) },
          ...(rows.length > 1 && !busy
            ? [{ label: words.compareTake, choose: () => this.#chooseOther(own, rows, opener) }]
            : []),
          ...(rows.length > 1 && !busy
            ? [{ label: words.removeTake, choose: () => void this.#app.removeTake(own) }]
            : []),
        ]
      : [];
    if (busy)
      return [{ title: words.takes, note: words.takesWhileRecording, choices: [] }, { choices: acts }];
    return [
      { title: words.takes, choices, ...(rows.length ? {} : { note: words.nothingToSave }) },
      { choices: acts },
    ];
  }

  #chooseOther(own: TakeRow, rows: readonly TakeRow[], opener: HTMLElement): void {
    const { words } = this.#app;
    const title = words.compareWith(takeName(own, words));
    const others = rows.filter((row) => row !== own);
    const compare = (other: TakeRow) => void this.#compare([own, other], opener);
    const choices = others.map((row) => ({ label: takeName(row, words), choose: () => compare(row) }));
    this.#popup.list(opener, "menu", title, () => [{ title, choices }]);
  }

  async #compare(rows: readonly [TakeRow, TakeRow], opener: HTMLElement): Promise<void> {
    const { words } = this.#app;
    const sides = await this.#app.compareTakes(rows[0].number, rows[1].number);
    if (!sides) return;
    const [marked = "", rest = ""] = words.onlyHere;
    const note = h("p", { class: "note" }, h("mark", {}, marked), rest);
    const texts = rows.map((row, i) => takeText(takeName(row, words), sides[i] ?? [], words));
    const both = h("div", { class: "sp-beside", tabindex: 0 }, ...texts);
    this.#popup.dialog(opener, words.comparedTakes, () => [both, note], "is-beside");
  }

  #rename(row: TakeRow, opener: HTMLElement): void {
    const { words } = this.#app;
    const name = takeName(row, words);
    askName(
      this.#popup,
      opener,
      words,
      { title: words.takeName, label: words.takeName, value: name },
      (given) => {
        if (given !== name) void this.#app.renameTake(row.number, given);
      },
    );
  }
}

/** A take's utterances; what the other take lacks is marked. */
function takeText(name: string, text: TakeText, words: Words): HTMLElement {
  const utterances = text.map((pieces) =>
    h("p", { dir: "auto" }, ...pieces.flatMap(([own, said]) => [own ? h("mark", {}, said) : said, " "])),
  );
  const none = h("p", {}, words.noWords);
  return h("section", {}, h("h4", { dir: "auto" }, name), ...(utterances.length ? utterances : [none]));
}

/** What a take is called: its name, else its number in the reader's language. */
export function takeName({ name, number }: { name: string; number: number }, words: Words): string {
  return name || words.takeNumber(number);
}
