import { App } from "./app.ts";
import { mountTranscriber } from "./view/transcriber-view.ts";
import { widgetModule } from "./widget.ts";

export default widgetModule((model, stop) => new App(model, stop), mountTranscriber);
