import { assert } from "./assert.ts";
import { LabApp } from "./lab/app.ts";
import { mountLab } from "./lab/view/lab-view.ts";
import { Scope } from "./scope.ts";
import type { Model } from "./wire/channel.ts";

interface InitializeProps {
  model: Model;
  signal?: AbortSignal;
}

interface RenderProps extends InitializeProps {
  el: HTMLElement;
}

/** The anywidget module of the lab; see `transcriber.ts`. */
export default function vadlab() {
  let app: LabApp | undefined;
  return {
    initialize({ model, signal }: InitializeProps): () => void {
      const started = new LabApp(model, signal);
      app = started;
      return () => started.scope.dispose();
    },

    render({ el, signal }: RenderProps): () => void {
      assert(app, "rendered before it was initialised");
      const scope = new Scope(signal);
      mountLab(app, el, scope);
      return () => scope.dispose();
    },
  };
}
