import type { App } from "../app.ts";
import { Scope } from "../scope.ts";
import type { Line } from "../store/lines.ts";
import { STYLE } from "../style/index.ts";
import { Captions } from "./captions.ts";
import { copyText } from "./clipboard.ts";
import { openNumbers } from "./detector-panel.ts";
import { button, h, toggle } from "./dom.ts";
import { download, type Format } from "./download.ts";
import { Header } from "./header.ts";
import { icon } from "./icons.ts";
import { bindKeys } from "./keys.ts";
import { nameMark } from "./marks.ts";
import { openMore } from "./more-menu.ts";
import { Popup } from "./popup.ts";
import { Presentation } from "./presentation.ts";
import { RunsView } from "./runs.ts";
import { hideSaved } from "./saved.ts";
import { openShortcuts } from "./shortcuts.ts";
import { StatusLine } from "./status.ts";
import { TimeView } from "./time-view.ts";
import { TranscriptView } from "./transcript.ts";
import { Tuning } from "./tuning.ts";
import { Viewport } from "./viewport.ts";

const NARROW_PX = 600;

/** Shows the model in `el`; a change of language builds the view anew, its window and selection stay. */
export function mountTranscriber(app: App, el: HTMLElement, scope: Scope): void {
  const viewport = new Viewport(el.clientWidth > 0 && el.clientWidth <= NARROW_PX ? 12 : 24);
  let shown = new Scope(scope.signal);
  const show = () => {
    shown.dispose();
    shown = new Scope(scope.signal);
    new TranscriberView(app, viewport, el, shown);
  };
  app.synced.on(scope, "change", (name) => {
    if (name === "locale") show();
  });
  show();
  hideSaved(scope);
  app.shown(scope);
}

class TranscriberView {
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #scope: Scope;
  readonly #root: HTMLElement;
  readonly #popup: Popup;
  readonly #header: Header;
  readonly #tuning: Tuning;
  readonly #time: TimeView;
  readonly #transcript: TranscriptView;
  readonly #captions: Captions;
  readonly #presentation: Presentation;
  readonly #more: HTMLButtonElement;
  readonly #status: StatusLine;
  readonly #file: HTMLInputElement;

  constructor(app: App, viewport: Viewport, el: HTMLElement, scope: Scope) {
    const words = app.strings;
    this.#app = app;
    this.#viewport = viewport;
    this.#scope = scope;
    this.#root = h("section", { class: "sp", lang: words.lang, "aria-label": words.widget });
    this.#popup = new Popup(this.#root, scope);
    this.#file = h("input", {
      type: "file",
      accept: "audio/*,video/*,.wav,.flac,.ogg,.mp3",
      "aria-hidden": "true",
      tabindex: -1,
    });
    const chooseFile = () => this.#file.click();
    this.#more = this.#moreButton();
    const mark = () => void this.#mark();
    this.#header = new Header(app, this.#popup, { chooseFile, mark, more: this.#more }, scope);
    this.#tuning = new Tuning(app, viewport, this.#popup, scope);
    const select = (line: Line) => this.#select(line);
    this.#time = new TimeView(
      app,
      viewport,
      {
        chooseFile,
        painted: (edge_s, now_ms) => this.#painted(edge_s, now_ms),
        rename: (opener, id) => nameMark(app, this.#popup, opener, id),
      },
      scope,
    );
    this.#transcript = new TranscriptView(words, app.session.lines, select, scope);
    this.#status = new StatusLine(app, chooseFile, scope);
    this.#captions = new Captions(app.session.lines, words.empty);
    this.#presentation = new Presentation(this.#root, () => this.#formChanged(), scope);
    const parts = [
      this.#header,
      this.#tuning,
      this.#captions,
      this.#time,
      this.#transcript,
      new RunsView(app, scope),
      this.#status,
    ].map(({ node }) => node);
    this.#root.append(...parts, this.#file);
    const style = h("style", {}, STYLE);
    el.append(style, this.#root);
    scope.own(() => {
      style.remove();
      this.#root.remove();
    });
    this.#subscribe();
    this.#bind();
    this.#time.attach(this.#root, scope);
    this.#update();
  }

  #subscribe(): void {
    const { session, synced, page } = this.#app;
    const scope = this.#scope;
    synced.on(scope, "change", () => this.#update());
    page.on(scope, "change", () => this.#update());
    session.on(scope, "events", () => {
      this.#transcript.refresh(this.#empty());
      this.#captions.update();
      this.#header.update();
      this.#status.update();
    });
    session.on(scope, "frames", () => {
      if (session.level && this.#app.phase === "live")
        this.#header.level.take(session.level, performance.now());
    });
    session.on(scope, "reset", () => {
      this.#header.level.clear();
      this.#update();
    });
    this.#viewport.on(scope, "selection", (key) => this.#transcript.select(key));
    scope.listen(this.#file, "change", () => {
      const file = this.#file.files?.[0];
      this.#file.value = "";
      if (file) void this.#app.openFile(file);
    });
  }

  #bind(): void {
    const viewport = this.#viewport;
    const keys = {
      r: () => this.#header.record(),
      " ": () => (this.#app.phase === "paused" ? this.#app.resume() : this.#header.pause()),
      c: () => void this.#copy(),
      ArrowLeft: () => viewport.pan(-0.1 * viewport.span_s),
      ArrowRight: () => viewport.pan(0.1 * viewport.span_s),
      End: () => viewport.goLive(),
      "+": () => viewport.step("in"),
      "-": () => viewport.step("out"),
      "0": () => viewport.everything(),
      b: () => void this.#mark(),
      p: () => this.#presentation.toggle(),
      "?": () => openShortcuts(this.#app, this.#popup, this.#more),
    };
    const close = () => {
      if (this.#popup.isOpen) this.#popup.close();
      else if (this.#presentation.on) this.#presentation.leave();
      else return false;
      return true;
    };
    bindKeys(this.#root, { keys, escape: close, enabled: () => this.#app.page.shortcuts }, this.#scope);
  }

  #update(): void {
    this.#header.update();
    this.#tuning.update();
    this.#status.update();
    this.#transcript.refresh(this.#empty());
    this.#captions.update();
    const { hidden_lanes } = this.#app.page;
    for (const group of ["server", "sent"] as const) {
      const name = `no-${group}-lane`;
      if (this.#root.classList.contains(name) === hidden_lanes.has(group)) continue;
      toggle(this.#root, name, hidden_lanes.has(group));
      this.#time.resized();
    }
    if (this.#app.phase !== "live") this.#header.level.rest();
  }

  #formChanged(): void {
    this.#captions.update();
    this.#time.resized();
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
    if (answer.failure) return; // told in the status line
    download(answer);
    this.#status.note(this.#app.strings.saved(String(answer.data.name ?? format)));
  }

  #painted(edge_s: number, now_ms: number): void {
    this.#header.level.show(now_ms);
    this.#header.showTime(edge_s);
    this.#tuning.updateTime(edge_s > 0);
  }

  #empty(): string {
    const { strings: words, phase } = this.#app;
    return phase === "failed" ? words.noWords : words.empty;
  }

  #select(line: Line): void {
    this.#time.select(line);
  }

  #moreButton(): HTMLButtonElement {
    const words = this.#app.strings;
    const attributes = {
      class: "sp-btn is-icon is-quiet",
      "aria-label": words.more,
      title: words.more,
      "aria-haspopup": "menu",
      "aria-expanded": false,
    };
    return button(this.#scope, attributes, [icon("more")], () => this.#openMore());
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
      shortcuts: (opener) => openShortcuts(app, popup, opener),
      numbers: (opener) => openNumbers(app, popup, opener),
      mark: () => void this.#mark(),
      openModel: (opener) => pickers.openModel(opener),
      openLanguage: (opener) => pickers.openLanguage(opener),
    });
  }

  async #copy(): Promise<void> {
    const finals = this.#app.session.lines.all.filter((line) => line.kind === "final");
    if (finals.length === 0) return;
    const { copied, notCopied } = this.#app.strings;
    const text = finals.map((line) => line.text).join("\n");
    this.#status.note((await copyText(text, this.#root)) ? copied : notCopied);
  }
}
