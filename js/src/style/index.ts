import base from "./base.css?raw";
import dialogs from "./dialogs.css?raw";
import forms from "./forms.css?raw";
import header from "./header.css?raw";
import moving from "./moving.css?raw";
import narrow from "./narrow.css?raw";
import overlays from "./overlays.css?raw";
import runs from "./runs.css?raw";
import tokens from "./tokens.css?raw";
import tracks from "./tracks.css?raw";
import transcript from "./transcript.css?raw";
import tuning from "./tuning.css?raw";

/** One sheet; it goes into the widget's own element, so that it also reaches a shadow tree and leaves with the view. */
export const STYLE = [
  tokens,
  base,
  header,
  tuning,
  tracks,
  transcript,
  runs,
  overlays,
  moving,
  narrow,
  dialogs,
  forms,
].join("\n");
