import { Capture } from "./capture/capture.ts";
import { type CaptureError, microphonePermission } from "./capture/capture-errors.ts";
import { type Words, wordsFor } from "./i18n/index.ts";
import { Painted } from "./painted.ts";
import { PeerLink } from "./rtc/link.ts";
import type { Scope } from "./scope.ts";
import { PageState, type Phase, phaseOf } from "./store/page.ts";
import { Synced } from "./store/synced.ts";
import { Wishes } from "./store/thresholds.ts";
import { WidgetApp } from "./widget.ts";
import { type Answer, type Model, uploadFile } from "./wire/channel.ts";
import { decodeFrames } from "./wire/codec.ts";
import type {
  CommandName,
  Failure,
  FromKernel,
  ModelJob,
  ServerTurnDetection,
  Side,
  Snapshot,
  SourceKind,
  TakeRow,
  TakeText,
} from "./wire/messages.ts";

/** The kernel may need long for these: waiting for them does not mean that it is busy with a cell. */
const SLOW: ReadonlySet<CommandName> = new Set([
  "set_source",
  "list_takes",
  "show_take",
  "check_server",
  "list_devices",
  "list_models",
  "download_model",
  "load_model",
  "get_model",
  "stop_download",
  "open_recording",
  "retry_recording",
  "export",
  "window",
  "audio",
]);
/** Failures of these are shown where they were asked for. */
const QUIET: ReadonlySet<CommandName> = new Set([
  "check_server",
  "set_server",
  "list_takes",
  "list_devices",
  "list_models",
  "download_model",
  "load_model",
  "window",
  "audio",
]);

/** Refused, these leave nothing to look at; the others stand in the status line. */
const BLOCKING: ReadonlySet<CommandName> = new Set(["start", "set_source"]);

const UNDO_MS = 30_000; // a removed take can be put back for so long
const SENDS_MS = 1_000; // audio goes out 25 times a second
const UNSEEN_MS = 2_000; // views move: one goes, another comes a moment later
const STANDS_MS = 2_500; // after so long without audio the kernel gives a page up

/** Everything of one Transcriber: stores, microphone, the page's own connection with the server. */
export class App extends WidgetApp<CommandName> {
  /** Where the lines of the detector were put by hand. */
  readonly wishes = new Wishes();
  readonly synced: Synced;
  readonly page = new PageState();
  readonly #capture: Capture;
  readonly #painted: Painted;
  readonly #peer: PeerLink;
  protected override readonly slow = SLOW;
  #views = 0;
  #forgotten: () => void = () => {};

  constructor(model: Model, stop?: AbortSignal) {
    super(model, stop);
    const { channel, page, scope } = this;
    this.synced = new Synced(model, scope);
    this.#capture = new Capture(channel, page, (error) => this.#captureFailed(error), scope);
    this.#painted = new Painted((painted) => channel.trySend({ type: "painted", ...painted }), scope);
    this.#peer = new PeerLink(channel, page, this.#capture, scope);
    const bye = () => void channel.trySend({ type: "bye", client_id: channel.client_id });
    scope.own(bye);
    scope.listen(window, "pagehide", bye);
    scope.listen<PageTransitionEvent>(window, "pageshow", ({ persisted }) => {
      if (persisted) this.greet();
    });
    this.greet();
  }

  get words(): Words {
    return wordsFor(this.locale);
  }

  get phase(): Phase {
    if (this.gone.value) return "gone";
    return phaseOf(this.synced.get("state"), this.page.capture.value, this.failure !== null);
  }

  /** What keeps it from recording: the page's own words on its microphone, else the kernel's. */
  get failure(): Failure | null {
    const failure = this.page.failure.value;
    const own = failure !== null && failure.title === "";
    return own ? failure : (this.synced.get("error") ?? failure);
  }

  /** Counts a view. A page that shows none any more (the cell was run again, its output cleared) must not listen on. */
  shown(scope: Scope): void {
    this.#views += 1;
    this.#forgotten();
    scope.own(() => {
      this.#views -= 1;
      if (this.#views === 0) this.#forgotten = this.scope.timeout(() => this.#stopUnseen(), UNSEEN_MS);
    });
  }

  /** The kernel stops in order; one that cannot be reached (the notebook was closed) or computes keeps no microphone open. */
  #stopUnseen(): void {
    if (this.page.capture.value === "closed") return;
    this.#forgotten = this.scope.timeout(() => this.#capture.abandon(), UNSEEN_MS);
    this.stop();
  }

  /** Whether this page records and sends now. */
  get records(): boolean {
    return this.page.capture.value === "open" && performance.now() - this.#capture.sent_ms < SENDS_MS;
  }

  start(): void {
    void this.#command("start");
  }
  pause(): void {
    void this.#command("pause");
  }
  resume(): void {
    void this.#command("resume");
  }
  stop(): void {
    void this.#command("stop");
  }

  /** `device` is the browser's id of a microphone, or the kernel's number of one; without it, the default. */
  async setSource(kind: SourceKind, device: string | number = "", label = ""): Promise<void> {
    if (kind === "browser") this.#capture.device = String(device);
    await this.#command("set_source", device === "" ? { kind } : { kind, device, label });
  }

  setDetector(changes: Record<string, unknown>): Promise<boolean> {
    return this.#command("set_detector", changes);
  }

  setModel(model: string): void {
    void this.#command("set_model", { model });
  }

  setLanguage(language: string): void {
    void this.#command("set_language", { language });
  }

  setTurnDetection(changes: Partial<ServerTurnDetection> & { kind?: Side }): Promise<boolean> {
    return this.#command("set_turn_detection", changes);
  }

  /** The key goes to the kernel and is kept nowhere on the page. */
  setServer(url: string, api_key: string): Promise<Answer> {
    return this.ask("set_server", { url, api_key });
  }

  /** A server that answers is no reason any more not to record. */
  async checkServer(): Promise<Answer> {
    const answer = await this.ask("check_server");
    const { failure } = this.page;
    if (!answer.failure && failure.value?.title) failure.value = null;
    return answer;
  }

  /** What the server has comes as traits. */
  listModels(): Promise<Answer> {
    return this.ask("list_models");
  }

  /** Has the server download or load a model, which may need long; what became of it stays on the page. */
  async workOnModel(kind: ModelJob["kind"], model: string): Promise<void> {
    this.page.model_outcome.value = null;
    const { failure, data } = await this.ask(kind === "load" ? "load_model" : "download_model", { model });
    this.page.model_outcome.value = { model, kind, failure, downloaded: data.downloaded === true };
  }

  /** Has the kernel fetch the model that it offers; how far that is comes as a trait. */
  getModel(): void {
    void this.#command("get_model");
  }

  stopDownload(): void {
    void this.#command("stop_download");
  }

  /** Shows the recording that an earlier kernel left; it comes as one that has ended. */
  openRecording(): void {
    void this.#command("open_recording");
  }

  dismissRecording(): void {
    void this.#command("dismiss_recording");
  }

  /** Has what has no text in it transcribed. */
  retryRecording(): void {
    void this.#command("retry_recording");
  }

  listKernelDevices(): Promise<Answer> {
    return this.ask("list_devices");
  }

  /** Sets a mark now; resolves to its id, or null when that was refused. */
  async mark(): Promise<number | null> {
    const { failure, data } = await this.ask("mark");
    return failure ? null : Number(data.id);
  }

  renameMark(id: number, name: string): void {
    void this.#command("mark", { id, name });
  }

  export(format: string): Promise<Answer> {
    return this.ask("export", { format });
  }

  /** Goes on with a recording whose page was closed or reloaded. */
  resumeCapture(): void {
    this.page.orphaned.value = false;
    void this.#command("resume_capture");
  }

  /** Has it tried at once to have a connection again. */
  reconnect(): void {
    void this.#command("reconnect");
  }

  async useKernelMicrophone(): Promise<void> {
    if (await this.#command("set_source", { kind: "kernel" })) this.start();
  }

  async useEmbedded(): Promise<void> {
    if (await this.#command("set_server", { url: "embedded", api_key: "" })) this.start();
  }

  /** Opens a file and begins with it. */
  async openFile(file: File): Promise<void> {
    const { failure, opening, refusal } = this.page;
    opening.value = { name: file.name, share: null };
    const file_id = await uploadFile(this.channel, file);
    const opened = await this.#command("set_source", { kind: "file", file_id, name: file.name });
    const stopped = opening.value === null;
    opening.value = null;
    if (stopped) failure.value = refusal.value = null;
    else if (opened) this.start();
  }

  /** Gives up the file that is being read. */
  stopOpening(): void {
    this.page.opening.value = null;
    void this.#command("stop_opening");
  }

  /** 0: files go as fast as the server can follow, 1: in real time. */
  setPace(pace: number): void {
    void this.#command("set_pace", { pace });
  }

  /** All takes, the newest first. */
  async listTakes(): Promise<readonly TakeRow[]> {
    const { data } = await this.ask("list_takes");
    return Array.isArray(data.takes) ? (data.takes as TakeRow[]) : [];
  }

  showTake(number: number): Promise<boolean> {
    return this.#command("show_take", { number });
  }

  /** The texts of two takes, each with what the other one lacks; null where the kernel refused. */
  async compareTakes(number: number, other: number): Promise<readonly TakeText[] | null> {
    const { failure, data } = await this.ask("compare_takes", { number, with: other });
    return failure ? null : (data.sides as TakeText[]);
  }

  renameTake(number: number, name: string): Promise<boolean> {
    return this.#command("rename_take", { number, name });
  }

  async removeTake(row: TakeRow): Promise<void> {
    const { removed } = this.page;
    if (!(await this.#command("remove_take", { number: row.number }))) return;
    removed.value = row;
    this.scope.timeout(() => {
      if (removed.value === row) removed.value = null;
    }, UNDO_MS);
  }

  restoreTake(): void {
    this.page.removed.value = null;
    void this.#command("restore_take");
  }

  /** Names of microphones, refreshed when a list of them is opened. */
  listDevices(): void {
    void this.#capture.listDevices();
  }

  /** Resolves to whether the kernel did it; a refusal stands in the panel or the status line. */
  async #command(name: CommandName, args: Record<string, unknown> = {}): Promise<boolean> {
    const { failure } = await this.ask(name, args);
    return failure === null;
  }

  protected override async ask(name: CommandName, args: Record<string, unknown> = {}): Promise<Answer> {
    const { failure, refusal } = this.page;
    if (this.gone.value) return await super.ask(name, args);
    if (!QUIET.has(name)) failure.value = refusal.value = null;
    const answer = await super.ask(name, args);
    if (this.gone.value) return answer; // the status line says so
    if (answer.failure && BLOCKING.has(name))
      failure.value ??= answer.failure; // the page may know better why
    else if (answer.failure && !QUIET.has(name)) refusal.value = answer.failure;
    return answer;
  }

  protected override abandon(): void {
    this.#capture.abandon();
    this.#peer.abandon();
    super.abandon();
  }

  /** What the kernel knows; a recording that lost its page goes on here, at once where that was allowed before. */
  #restore(snapshot: Snapshot): void {
    this.session.restore(snapshot);
    const state = this.synced.get("state");
    const { page } = this;
    const elsewhere =
      (state === "listening" || state === "connecting") &&
      this.synced.get("source_kind") === "browser" &&
      page.capture.value === "closed";
    page.orphaned.value = elsewhere && snapshot.capturing === null;
    if (page.orphaned.value) void this.#resumeIfAllowed();
    else if (elsewhere) this.#watch();
  }

  /** Another page captures, or did until a moment ago, such as this one before it was reloaded: asks when no more audio comes. */
  #watch(): void {
    const before_s = this.session.clock_s;
    this.scope.timeout(() => {
      if (this.page.capture.value !== "closed" || this.phase !== "live") return;
      if (this.session.clock_s > before_s) this.#watch();
      else this.greet();
    }, STANDS_MS);
  }

  async #resumeIfAllowed(): Promise<void> {
    if ((await microphonePermission()) === "granted" && this.page.orphaned.value) this.resumeCapture();
  }

  #captureFailed({ kind, detail }: CaptureError): void {
    this.page.failure.value = { kind, title: "", text: "", detail };
  }

  protected override receive(content: FromKernel, buffers: DataView[]): void {
    switch (content.type) {
      case "frames":
        this.session.addFrames(decodeFrames(content, buffers));
        break;
      case "events":
        this.session.addEvents(content.events);
        if (this.#views > 0) this.#painted.note(content.events, content.sent_s);
        break;
      case "snapshot":
        this.#restore(content);
        break;
      case "reset":
        this.session.reset();
        break;
      case "reply":
        this.channel.settle(content, buffers);
        break;
      case "opening": {
        const { opening } = this.page;
        if (opening.value) opening.value = { ...opening.value, share: content.share };
        break;
      }
      case "capture":
        this.page.orphaned.value = false;
        void this.#capture.receiveOrder(content);
        break;
      case "peer":
        this.#peer.receiveOrder(content);
        break;
    }
  }
}
