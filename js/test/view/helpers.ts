import { FakeModel, type Given } from "../../dev/fake-model.ts";
import { App } from "../../src/app.ts";
import type { RunEvent, SessionEvent } from "../../src/wire/messages.ts";

export interface Bench {
  fake: FakeModel;
  app: App;
  say(...events: (SessionEvent | RunEvent)[]): void;
}

/** An app with a kernel that answers nothing by itself. */
export function bench(traits: Given = {}): Bench {
  const fake = new FakeModel({ locale: "en", ...traits });
  const app = new App(fake.model);
  return { fake, app, say: (...events) => fake.receive({ type: "events", events }) };
}
