/** Shows a widget in any state without a notebook.
 *
 * Query: widget=transcriber|vadlab  theme=light|dark  lang=en|zh  width=900  state=idle|connecting|live|paused|stopped|denied|kernel-error|busy|energy|play|poor|downloading|download-failed
 *        at=21.4 (seconds jumped to)  select=item_1  compare=0|1|2|3
 */
import transcriber from "../src/transcriber.ts";
import vadlab from "../src/vadlab.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { FakeLab } from "./fake-lab.ts";
import { FakeConnection, FakeModel } from "./fake-model.ts";

const query = new URLSearchParams(location.search);
const state = query.get("state") ?? "idle";
const at_s = Number(query.get("at") ?? 21.4);
const cell = document.getElementById("cell") as HTMLElement;
document.body.dataset.jpThemeLight = String(query.get("theme") !== "dark");
cell.style.width = `${query.get("width") ?? 900}px`;

const fake = new FakeModel({
  locale: query.get("lang") === "zh" ? "zh-CN" : "en",
  detector: state === "energy" ? { name: "energy", unit: "energy", threshold: 500, neg_threshold: 350 } : {},
});
if (state === "busy") {
  const connection = new FakeConnection();
  connection.become("busy");
  fake.widget_manager = { kernel: connection };
}
const isLab = query.get("widget") === "vadlab";
const kernel = new FakeKernel(fake, Number(query.get("compare") ?? 0));
if (isLab) new FakeLab(fake);
const widget = isLab ? vadlab() : transcriber();
widget.initialize({ model: fake.model });
widget.render({ model: fake.model, el: cell });

if (["live", "paused", "stopped", "busy", "energy"].includes(state)) kernel.jump(at_s);
if (state === "paused" || state === "stopped") kernel.halt(state);
if (state === "busy") kernel.busy = true;
if (state === "connecting") {
  fake.set("state", "connecting");
  fake.set("server_state", "connecting");
}
const base = { model: "Systran/faster-whisper-base", size_bytes: 147_880_000, named: false, can_run: true };
if (state === "poor") fake.set("local_model", { ...base, state: "offered", failure: null });
if (state === "downloading") {
  const far = { done_bytes: 43_000_000, total_bytes: 147_882_941 };
  fake.set("local_model", { ...base, ...far, state: "downloading", failure: null });
}
if (state === "download-failed") {
  const failure = {
    kind: "download",
    title: "The model could not be downloaded",
    text: "huggingface.co cannot be reached for Systran/faster-whisper-base (ConnectTimeout): check the network, or set HF_ENDPOINT to a mirror, and try again.",
  };
  fake.set("local_model", { ...base, state: "offered", failure });
}
const left = { started_ms: Date.now() - 3_600_000, duration_s: 1_930, without_text: 0 };
if (state === "left") fake.set("unfinished", { ...left, state: "offered" });
if (state === "reopened") {
  kernel.jump(at_s);
  kernel.halt("stopped");
  fake.set("unfinished", { ...left, state: "opened", without_text: 3 });
}
if (state === "gone") {
  if (!isLab) kernel.jump(at_s);
  setTimeout(() => fake.emit("comm_live_update"), 200);
}
if (state === "long") kernel.reload(8);
if (state === "play") kernel.play(Number(query.get("speed") ?? 1));
if (state === "denied") {
  fake.set("error", {
    kind: "denied",
    title: "The browser blocked the microphone",
    text: "Allow it in the address bar, then try again.",
    detail: "The kernel runs on this computer and sees 2 microphones. The browser said: NotAllowedError.",
    actions: [{ name: "retry" }, { name: "use_kernel" }, { name: "open_file" }],
  });
}
if (state === "kernel-error") {
  fake.set("state", "failed");
  fake.set("error", {
    kind: "unreachable",
    title: "No server answers at http://127.0.0.1:8000",
    text: "Start one with “ipyspeaches serve”, or pass server= with the address of another, then try again.",
    actions: [{ name: "retry" }, { name: "change_server" }, { name: "use_embedded" }],
  });
  fake.set("server_state", "unreachable");
  fake.set("server_label", "127.0.0.1:8000");
}
const select = query.get("select");
if (select)
  requestAnimationFrame(() => cell.querySelector<HTMLElement>(`.sp-script [data-key=${select}]`)?.click());
Object.assign(globalThis, { harness: { fake, kernel, widget } });
