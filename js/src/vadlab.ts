import { LabApp } from "./lab/app.ts";
import { mountLab } from "./lab/view/lab-view.ts";
import { widgetModule } from "./widget.ts";

export default widgetModule((model, stop) => new LabApp(model, stop), mountLab);
