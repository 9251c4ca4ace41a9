import type { App } from "../app.ts";
import { Scope } from "../scope.ts";
import type { Line } from "../store/lines.ts";
import { STYLE } from "../style/index.ts";
import { button, h } from "./dom.ts";
import { Header } from "./header.ts";
import { icon } from "./icons.ts";
import { bindKeys } from "./keys.ts";
import { Popup } from "./popup.ts";
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
    this.#header = new Header(app, this.#popup, chooseFile, this.#more(), scope);
    this.#tuning = new Tuning(app, viewport, this.#popup, scope);
    const select = (line: Line) => this.#select(line);
    this.#time = new TimeView(
      app,
      viewport,
      { select, chooseFile, painted: (edge_s) => this.#painted(edge_s) },
      scope,
    );
    this.#transcript = new TranscriptView(words, app.session.lines, select, scope);
    this.#status = new StatusLine(app, chooseFile, scope);
    const parts = [this.#header, this.#tuning, this.#time, this.#transcript, this.#status].map(
      ({ node }) => node,
    );
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
      this.#header.update();
      this.#status.update();
    });
    session.on(scope, "frames", () => {
      if (session.level && this.#app.phase === "live")
        this.#header.level.show(session.level, performance.now());
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
    bindKeys(
      this.#root,
      {
        r: () => this.#header.record(),
        " ": () => (this.#app.phase === "paused" ? this.#app.resume() : this.#header.pause()),
        c: () => void this.#copy(),
        ArrowLeft: () => viewport.pan(-0.1 * viewport.span_s),
        ArrowRight: () => viewport.pan(0.1 * viewport.span_s),
        End: () => viewport.goLive(),
        "+": () => viewport.step("in"),
        "-": () => viewport.step("out"),
        "0": () => viewport.everything(),
      },
      this.#scope,
    );
  }

  #update(): void {
    this.#header.update();
    this.#tuning.update();
    this.#status.update();
    this.#transcript.refresh(this.#empty());
    if (this.#app.phase !== "live") this.#header.level.rest();
  }

  #painted(edge_s: number): void {
    this.#header.showTime(edge_s);
    this.#tuning.updateTime(edge_s > 0);
  }

  #empty(): string {
    const { strings: words, phase } = this.#app;
    return phase === "failed" ? words.noWords : words.empty;
  }

  #select(line: Line): void {
    const again = this.#viewport.selected === line.key;
    this.#viewport.select(again ? null : line.key);
    if (!again) this.#viewport.reveal(line.start_s, line.end_s);
  }

  #more(): HTMLButtonElement {
    const words = this.#app.strings;
    const attributes = {
      class: "sp-btn is-icon is-quiet",
      "aria-label": words.more,
      title: words.more,
      "aria-haspopup": "menu",
      "aria-expanded": false,
    };
    const more = button(this.#scope, attributes, [icon("more")], () => {
      const copy = {
        label: words.copyAll,
        hint: "C",
        icon: "copy" as const,
        choose: () => void this.#copy(),
      };
      this.#popup.list(more, "menu", words.more, [{ options: [copy] }]);
    });
    return more;
  }

  async #copy(): Promise<void> {
    const finals = this.#app.session.lines.all.filter((line) => line.kind === "final");
    if (finals.length === 0) return;
    await navigator.clipboard.writeText(finals.map((line) => line.text).join("\n"));
    this.#status.note(this.#app.strings.copied, this.#scope);
  }
}
