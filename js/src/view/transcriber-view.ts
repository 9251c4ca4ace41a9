import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Line } from "../store/lines.ts";
import type { Phase } from "../store/page.ts";
import { copyText } from "./clipboard.ts";
import { h, toggle } from "./dom.ts";
import { download, type Format } from "./download.ts";
import { acceptFiles } from "./dropping.ts";
import { Header } from "./header.ts";
import { axisKeys, bindKeys, openKeySheet } from "./keys.ts";
import { nameMark } from "./marks.ts";
import { openMore } from "./more-menu.ts";
import { hideKept, mountView, showView } from "./mount.ts";
import { moreButton, Popup } from "./popup.ts";
import { Captions, Presentation } from "./presentation.ts";
import { RunsView } from "./runs.ts";
import { Status } from "./status.ts";
import { TakePicker } from "./takes.ts";
import { TimeView } from "./time-view.ts";
import { TranscriptView } from "./transcript.ts";
import { openNumbers, Tuning } from "./tuning.ts";
import { Viewport } from "./viewport.ts";

const NARROW_PX = 600;
const RECORDS: ReadonlySet<Phase> = new Set(["asking", "connecting", "live", "paused", "stopping"]);

export function mountTranscriber(app: App, el: HTMLElement, scope: Scope): void {
  const viewport = new Viewport(el.clientWidth > 0 && el.clientWidth <= NARROW_PX ? 12 : 24);
  mountView(app, scope, (shown) => new TranscriberView(app, viewport, el, shown));
  hideKept(app, scope);
  app.shown(scope);
}

class TranscriberView {
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #scope: Scope;
  readonly #root: HTMLElement;
  readonly #popup: Popup;
  readonly #header: Header;
  readonly #takes: TakePicker;
  readonly #tuning: Tuning;
  readonly #time: TimeView;
  readonly #transcript: TranscriptView;
  readonly #presentation: Presentation;
  readonly #more: HTMLButtonElement;
  readonly #status: Status;
  readonly #file: HTMLInputElement;

  constructor(app: App, viewport: Viewport, el: HTMLElement, scope: Scope) {
    const words = app.words;
    this.#app = app;
    this.#viewport = viewport;
    this.#scope = scope;
    this.#root = h("section", {
      class: "sp",
      lang: words.lang,
      "aria-label": words.widget,
      "data-drop": words.dropHere,
    });
    this.#popup = new Popup(this.#root, scope);
    this.#file = h("input", {
      type: "file",
      accept: "audio/*,video/*,.wav,.flac,.ogg,.mp3,.m4a,.aac,.webm",
      "aria-hidden": "true",
      tabindex: -1,
    });
    const doors = {
      chooseFile: () => this.#file.click(),
      changeServer: () => this.#header.pickers.openServer(),
    };
    this.#more = moreButton(words.more, scope, () => this.#openMore());
    const mark = () => void this.#mark();
    this.#header = new Header(
      app,
      this.#popup,
      { chooseFile: doors.chooseFile, mark, more: this.#more },
      scope,
    );
    this.#takes = new TakePicker(app, this.#popup, scope);
    this.#tuning = new Tuning(app, viewport, this.#popup, scope);
    this.#time = new TimeView(
      app,
      viewport,
      {
        ...doors,
        painted: (edge_s, now_ms) => this.#painted(edge_s, now_ms),
        rename: (opener, id) => nameMark(app, this.#popup, opener, id),
        take: this.#takes.node,
      },
      scope,
    );
    const empty = () => (app.phase === "failed" ? words.noWords : words.empty);
    const select = (line: Line) => this.#time.select(line);
    this.#transcript = new TranscriptView(words, app.session.lines, empty, select, scope);
    this.#status = new Status(app, doors, scope);
    const captions = new Captions(app.session.lines, words.empty, scope);
    this.#presentation = new Presentation(this.#root, () => this.#time.resized(), scope);
    const parts = [
      this.#header,
      this.#tuning,
      captions,
      this.#time,
      this.#transcript,
      new RunsView(app, scope),
      this.#status.line,
    ].map(({ node }) => node);
    this.#root.append(...parts, this.#file);
    showView(el, this.#root, "", scope);
    this.#follow();
    this.#bind();
    this.#time.attach(this.#root, scope);
  }

  #follow(): void {
    const { page } = this.#app;
    const scope = this.#scope;
    scope.effect(() => this.#transcript.select(this.#viewport.selected));
    scope.effect(() => toggle(this.#root, "is-playing", this.#app.player.playing));
    scope.watch(
      () => page.hidden_lanes.value,
      () => {
        for (const group of ["server", "sent"] as const)
          toggle(this.#root, `no-${group}-lane`, page.hidden_lanes.value.has(group));
        this.#time.resized();
      },
    );
    acceptFiles(this.#root, (file) => this.#open(file), scope);
    scope.listen(this.#file, "change", () => {
      const file = this.#file.files?.[0];
      this.#file.value = "";
      if (file) this.#open(file);
    });
  }

  #open(file: File): void {
    if (RECORDS.has(this.#app.phase)) this.#status.line.note(this.#app.words.stopFirst);
    else void this.#app.openFile(file);
  }

  #bind(): void {
    const viewport = this.#viewport;
    const keys = {
      r: () => this.#header.record(),
      " ": () => (this.#app.phase === "paused" ? this.#app.resume() : this.#header.pause()),
      c: () => void this.#copy(),
      ...axisKeys(viewport),
      End: () => viewport.goLive(),
      b: () => void this.#mark(),
      p: () => this.#presentation.toggle(),
      "?": () => this.#openKeys(this.#more),
    };
    const close = () => {
      if (this.#popup.isOpen) this.#popup.close();
      else if (this.#presentation.on) this.#presentation.leave();
      else return false;
      return true;
    };
    bindKeys(this.#root, { keys, escape: close, enabled: () => this.#app.page.shortcuts }, this.#scope);
  }

  /** Sets a mark now; its name is typed after. */
  async #mark(): Promise<void> {
    const { phase } = this.#app;
    if (phase !== "live" && phase !== "paused") return;
    const id = await this.#app.mark();
    const { markButton } = this.#header;
    const opener = markButton.getClientRects().length > 0 ? markButton : this.#more;
    if (id !== null && !this.#scope.disposed) nameMark(this.#app, this.#popup, opener, id);
  }

  async #save(format: Format): Promise<void> {
    const answer = await this.#app.export(format);
    if (answer.failure) return; // it stands in the status line
    download(answer);
    this.#status.line.note(this.#app.words.saved(String(answer.data.name ?? format)));
  }

  #painted(edge_s: number, now_ms: number): void {
    this.#header.level.show(now_ms);
    this.#header.showTime(edge_s);
    this.#tuning.updateTime(edge_s > 0);
  }

  /** The sheet of single keys, with the switch that turns them off. */
  #openKeys(opener: HTMLElement): void {
    const { words, page } = this.#app;
    openKeySheet(this.#popup, opener, words.shortcuts, words.keyList, (scope) => {
      const box = h("input", { type: "checkbox" });
      box.checked = page.shortcuts;
      scope.listen(box, "change", () => {
        page.shortcuts = box.checked;
      });
      return {
        above: [h("label", { class: "check" }, box, words.shortcutsOn)],
        below: [h("p", { class: "note" }, words.shortcutsNote)],
      };
    });
  }

  #openMore(): void {
    const app = this.#app;
    const popup = this.#popup;
    const { pickers } = this.#header;
    openMore(app, popup, this.#more, this.#root, {
      save: (format) => void this.#save(format),
      copy: () => void this.#copy(),
      present: () => this.#presentation.toggle(),
      presenting: () => this.#presentation.on,
      shortcuts: (opener) => this.#openKeys(opener),
      numbers: (opener) => openNumbers(app, popup, opener),
      mark: () => void this.#mark(),
      takes: (opener) => void this.#takes.open(opener),
      zoom: (direction) => this.#viewport.step(direction),
      openModel: (opener) => pickers.openModel(opener),
      openLanguage: (opener) => pickers.openLanguage(opener),
    });
  }

  async #copy(): Promise<void> {
    const finals = this.#app.session.lines.all.filter((line) => line.kind === "final");
    if (finals.length === 0) return;
    const { copied, notCopied } = this.#app.words;
    const text = finals.map((line) => line.text).join("\n");
    this.#status.line.note((await copyText(text, this.#root)) ? copied : notCopied);
  }
}
