import { App } from "./app.ts";
import { assert } from "./assert.ts";
import { Scope } from "./scope.ts";
import { mountTranscriber } from "./view/transcriber-view.ts";
import type { Model } from "./wire/channel.ts";

interface InitializeProps {
  model: Model;
  signal?: AbortSignal;
}

interface RenderProps extends InitializeProps {
  el: HTMLElement;
}

/** The anywidget module: called once for each model, so that the state of a model lives in this closure.
 *
 * Hosts that know no `signal` call what is returned; both end the same scope.
 */
export default function transcriber() {
  let app: App | undefined;
  return {
    /** Returns at once: kernel messages are refused for good if this takes two seconds. */
    initialize({ model, signal }: InitializeProps): () => void {
      const started = new App(model, signal);
      app = started;
      return () => started.scope.dispose();
    },

    render({ el, signal }: RenderProps): () => void {
      assert(app, "rendered before it was initialised");
      const scope = new Scope(signal);
      mountTranscriber(app, el, scope);
      return () => scope.dispose();
    },
  };
}
