// @vitest-environment node
import { expect, it } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import { Scope } from "../../src/scope.ts";
import { Channel, uploadFile } from "../../src/wire/channel.ts";

it("settles each command with the reply of its own id", async () => {
  const fake = new FakeModel();
  const channel = new Channel(fake.model, new Scope());
  const first = channel.command("start");
  const second = channel.command("set_detector", { threshold: 2 });
  const failure = { kind: "input", title: "No", text: "threshold is at most 1." };
  channel.settle({ type: "reply", id: 2, error: failure, data: {} });
  const audio = new DataView(new ArrayBuffer(4));
  channel.settle({ type: "reply", id: 1, error: null, data: { rate: 24_000 } }, [audio]);
  expect(await first).toEqual({ failure: null, data: { rate: 24_000 }, buffers: [audio] });
  expect((await second).failure).toEqual(failure);
});

it("settles what still waits when the widget goes", async () => {
  const scope = new Scope();
  const waiting = new Channel(new FakeModel().model, scope).command("stop");
  scope.dispose();
  expect((await waiting).failure).toBeNull();
});

it("settles what cannot be sent any more", async () => {
  const fake = new FakeModel();
  fake.onsend = () => {
    throw new Error("the connection is closed");
  };
  expect((await new Channel(fake.model, new Scope()).command("stop")).failure).toBeNull();
});

it("sends a file in pieces that add up to it", async () => {
  const fake = new FakeModel();
  const bytes = new Uint8Array(1_200_000).map((_, i) => i % 251);
  const id = await uploadFile(new Channel(fake.model, new Scope()), new File([bytes], "talk.wav"));
  const whole = new Uint8Array(bytes.length);
  for (const { message, buffers } of fake.sent) {
    if (message.type !== "file" || !buffers[0]) throw new Error("not a piece of the file");
    expect(message).toMatchObject({ file_id: id, name: "talk.wav", size: bytes.length });
    whole.set(new Uint8Array(buffers[0]), message.offset);
  }
  expect(fake.sent.length).toBe(3);
  expect(whole.findIndex((byte, i) => byte !== bytes[i])).toBe(-1);
});
