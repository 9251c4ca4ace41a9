import { Capture } from "./capture/capture.ts";
import { type CaptureError, microphonePermission } from "./capture/errors.ts";
import { type Strings, stringsFor } from "./i18n/index.ts";
import { Painted } from "./painted.ts";
import { Player } from "./play/player.ts";
import { PeerLink } from "./rtc/link.ts";
import { Scope } from "./scope.ts";
import { PageStore, type Phase, phaseOf } from "./store/page.ts";
import { Preview } from "./store/preview.ts";
import { SessionStore } from "./store/session.ts";
import { Synced } from "./store/synced.ts";
import { Windows } from "./store/windows.ts";
import { type Answer, Channel, isFromKernel, type Model } from "./wire/channel.ts";
import { decodeFrames } from "./wire/codec.ts";
import { kernelOf, onKernelGone } from "./wire/kernel.ts";
import type {
  CommandName,
  Failure,
  ModelJob,
  ServerTurnDetection,
  Snapshot,
  SourceKind,
} from "./wire/messages.ts";
import { uploadFile } from "./wire/upload.ts";

/** The kernel takes its time over these: waiting for them does not mean that it is busy with a cell. */
const SLOW: ReadonlySet<CommandName> = new Set([
  "check_server",
  "list_devices",
  "list_models",
  "download_model",
  "load_model",
  "export",
  "window",
  "audio",
]);
/** These tell their failures where they were asked for. */
const QUIET: ReadonlySet<CommandName> = new Set([
  "check_server",
  "set_server",
  "list_devices",
  "list_models",
  "download_model",
  "load_model",
  "window",
  "audio",
]);

/** Refused, these leave nothing to look at; the others are told in the status line. */
const BLOCKING: ReadonlySet<CommandName> = new Set(["start", "set_source"]);

const UNSEEN_MS = 2_000; // views move: one goes, another comes a moment later
const STANDS_MS = 2_500; // after so much silence the kernel takes a page that captured for gone

const KERNEL_GONE: Failure = { kind: "gone", title: "", text: "" };

/** Everything of one model: stores, channel, capture. Several views share it; it ends with the model. */
export class App {
  readonly scope: Scope;
  readonly synced: Synced;
  readonly page = new PageStore();
  readonly session = new SessionStore();
  readonly preview = new Preview();
  readonly windows: Windows;
  readonly player: Player;
  readonly #channel: Channel;
  readonly #capture: Capture;
  readonly #painted: Painted;
  readonly #peer: PeerLink;
  readonly #model: Model;
  #heard_ms = 0;
  #views = 0;
  #forgotten: () => void = () => {};

  constructor(model: Model, signal?: AbortSignal) {
    this.scope = new Scope(signal);
    this.#model = model;
    this.synced = new Synced(model, this.scope);
    this.#channel = new Channel(model, this.scope);
    this.#capture = new Capture(this.#channel, this.page, (error) => this.#captureFailed(error), this.scope);
    this.#painted = new Painted((items) => this.#channel.trySend({ type: "painted", items }), this.scope);
    this.#peer = new PeerLink(this.#channel, this.page, this.#capture, this.scope);
    this.windows = new Windows(this.session, (args) => this.#ask("window", args), this.scope);
    this.player = new Player((args) => this.#ask("audio", args), this.scope);
    const receive = (content: unknown, buffers: DataView[]) => this.#receive(content, buffers);
    model.on("msg:custom", receive);
    this.scope.own(() => model.off("msg:custom", receive));
    onKernelGone(model, this.scope, () => this.#kernelGone());
    const { client_id } = this.#channel;
    const bye = () => void this.#channel.trySend({ type: "bye", client_id });
    this.scope.own(bye);
    this.scope.listen(window, "pagehide", bye);
    this.scope.listen<PageTransitionEvent>(window, "pageshow", ({ persisted }) => {
      if (persisted) this.#channel.send({ type: "hello", client_id });
    });
    this.#channel.send({ type: "hello", client_id });
  }

  get strings(): Strings {
    return stringsFor(this.synced.text("locale") || navigator.language);
  }

  get phase(): Phase {
    if (this.page.kernel_gone) return "gone";
    return phaseOf(this.synced.text("state"), this.page.capture, this.failure !== null);
  }

  /** What keeps it from recording: the page's own words on its microphone, else the kernel's. */
  get failure(): Failure | null {
    const { failure } = this.page;
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
    if (this.page.capture === "closed") return;
    this.#forgotten = this.scope.timeout(() => this.#capture.abandon(), UNSEEN_MS);
    this.stop();
  }

  /** When the kernel last said anything, on the page's clock. */
  get heard_ms(): number {
    return this.#heard_ms;
  }

  /** Stops the cell that keeps the kernel busy; null where the notebook does not let a widget do that. */
  get interrupt(): (() => void) | null {
    const kernel = kernelOf(this.#model);
    return kernel && (() => void kernel.interrupt());
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

  setTurnDetection(changes: Partial<ServerTurnDetection> & { kind?: "client" | "server" }): Promise<boolean> {
    return this.#command("set_turn_detection", changes);
  }

  /** The key goes to the kernel and is kept nowhere on the page. */
  setServer(url: string, api_key: string): Promise<Answer> {
    return this.#ask("set_server", { url, api_key });
  }

  checkServer(): Promise<Answer> {
    return this.#ask("check_server");
  }

  /** What the server has comes as traits. */
  listModels(): Promise<Answer> {
    return this.#ask("list_models");
  }

  /** Has the server download or load a model, which may take long; what became of it stays on the page. */
  async workOnModel(kind: ModelJob["kind"], model: string): Promise<void> {
    this.page.model_outcome = null;
    const { failure, data } = await this.#ask(kind === "load" ? "load_model" : "download_model", { model });
    this.page.model_outcome = { model, kind, failure, downloaded: data.downloaded === true };
  }

  listKernelDevices(): Promise<Answer> {
    return this.#ask("list_devices");
  }

  /** Sets a mark now; resolves to its id, or null when that was refused. */
  async mark(): Promise<number | null> {
    const { failure, data } = await this.#ask("mark");
    return failure ? null : Number(data.id);
  }

  renameMark(id: number, name: string): void {
    void this.#command("mark", { id, name });
  }

  export(format: string): Promise<Answer> {
    return this.#ask("export", { format });
  }

  /** Goes on with a recording whose page was closed or reloaded. */
  resumeCapture(): void {
    this.page.orphaned = false;
    void this.#command("resume_capture");
  }

  async useKernelMicrophone(): Promise<void> {
    if (await this.#command("set_source", { kind: "kernel" })) this.start();
  }

  async openFile(file: File): Promise<void> {
    const file_id = await uploadFile(this.#channel, file);
    if (await this.#command("set_source", { kind: "file", file_id, name: file.name })) this.start();
  }

  /** Names of microphones, refreshed when a list of them is opened. */
  listDevices(): void {
    void this.#capture.listDevices();
  }

  /** Resolves to whether the kernel did it; a refusal stands in the panel or the status line. */
  async #command(name: CommandName, args: Record<string, unknown> = {}): Promise<boolean> {
    const { failure } = await this.#ask(name, args);
    return failure === null;
  }

  async #ask(name: CommandName, args: Record<string, unknown> = {}): Promise<Answer> {
    const { page } = this;
    if (page.kernel_gone) return { failure: KERNEL_GONE, data: {}, buffers: [] };
    const waiting = { name, since_ms: performance.now() };
    if (!SLOW.has(name)) page.waiting = [...page.waiting, waiting];
    if (!QUIET.has(name)) {
      if (page.failure) page.failure = null;
      if (page.refusal) page.refusal = null;
    }
    const answer = await this.#channel.command(name, args);
    if (page.waiting.includes(waiting)) page.waiting = page.waiting.filter((other) => other !== waiting);
    const { failure } = answer;
    if (failure && BLOCKING.has(name))
      page.failure ??= failure; // the page may know better why
    else if (failure && !QUIET.has(name)) page.refusal = failure;
    return answer;
  }

  #kernelGone(): void {
    this.#capture.abandon();
    this.#peer.abandon();
    this.page.kernel_gone = true;
    this.#channel.abandon();
  }

  /** What the kernel knows; a recording that lost its page goes on here, at once where that was allowed before. */
  #restore(snapshot: Snapshot): void {
    this.session.restore(snapshot, this.synced.whose);
    const state = this.synced.text("state");
    const { page } = this;
    const elsewhere =
      (state === "listening" || state === "connecting") &&
      this.synced.get("source_kind") === "browser" &&
      page.capture === "closed";
    page.orphaned = elsewhere && snapshot.capturing === null;
    if (page.orphaned) void this.#resumeIfAllowed();
    else if (elsewhere) this.#watch();
  }

  /** Another page captures, or did until a moment ago, such as this one before it was reloaded: asks when sound stops. */
  #watch(): void {
    const before_s = this.session.clock_s;
    this.scope.timeout(() => {
      if (this.page.capture !== "closed" || this.phase !== "live") return;
      if (this.session.clock_s > before_s) this.#watch();
      else this.#channel.trySend({ type: "hello", client_id: this.#channel.client_id });
    }, STANDS_MS);
  }

  async #resumeIfAllowed(): Promise<void> {
    if ((await microphonePermission()) === "granted" && this.page.orphaned) this.resumeCapture();
  }

  #captureFailed({ kind, detail }: CaptureError): void {
    this.page.failure = { kind, title: "", text: "", detail };
  }

  #receive(content: unknown, buffers: DataView[]): void {
    if (!isFromKernel(content)) return;
    this.#heard_ms = performance.now();
    if (this.page.kernel_gone) this.page.kernel_gone = false; // it was only the connection
    switch (content.type) {
      case "frames":
        this.session.addFrames(decodeFrames(content, buffers), content.detector ?? this.synced.detector.name);
        break;
      case "events":
        this.session.addEvents(content.events, this.synced.whose);
        if (this.#views > 0) this.#painted.note(content.events);
        break;
      case "snapshot":
        this.#restore(content);
        break;
      case "reset":
        this.session.reset();
        break;
      case "reply":
        this.#channel.settle(content, buffers);
        break;
      case "capture":
        if (this.page.orphaned) this.page.orphaned = false;
        void this.#capture.order(content);
        break;
      case "peer":
        this.#peer.order(content);
        break;
    }
  }
}
