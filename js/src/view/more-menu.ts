import type { App } from "../app.ts";
import { FORMATS, type Format } from "./download.ts";
import type { IconName } from "./icons.ts";
import { languageName } from "./pickers.ts";
import type { Choice, Group, Popup } from "./popup.ts";

interface MoreActions {
  save(format: Format): void;
  copy(): void;
  present(): void;
  presenting(): boolean;
  shortcuts(opener: HTMLElement): void;
  numbers(opener: HTMLElement): void;
  mark(): void;
  takes(opener: HTMLElement): void;
  zoom(direction: "in" | "out"): void;
  openModel(opener: HTMLElement): void;
  openLanguage(opener: HTMLElement): void;
}

/** Under the three dots: what is not needed while speaking, and what has no room at this width. */
export function openMore(
  app: App,
  popup: Popup,
  opener: HTMLElement,
  root: HTMLElement,
  actions: MoreActions,
): void {
  const words = app.words;
  const hidden = (part: string) => {
    const element = root.querySelector<HTMLElement>(part);
    return element === null || element.getClientRects().length === 0;
  };
  const item = (label: string, icon: IconName, choose: () => void, more: Partial<Choice> = {}): Choice => ({
    label,
    icon,
    choose,
    ...more,
  });
  const groups = (): Group[] => {
    const { page, phase } = app;
    const formats = FORMATS.map((format) => ({
      label: format.toUpperCase(),
      choose: () => actions.save(format),
    }));
    const narrow: Choice[] = [];
    if (hidden(".sp-markbutton") && (phase === "live" || phase === "paused"))
      narrow.push(item(words.setMark, "flag", actions.mark, { hint: "B" }));
    if (hidden(".sp-pick.is-model"))
      narrow.push(
        item(named(words.model, app.synced.get("model") || words.modelDefault), "caret", () =>
          actions.openModel(opener),
        ),
      );
    if (hidden(".sp-pick.is-language"))
      narrow.push(
        item(named(words.language, languageName(app)), "caret", () => actions.openLanguage(opener)),
      );
    if (hidden(".sp-zoom"))
      narrow.push(
        item(words.zoomIn, "plus", () => actions.zoom("in"), { hint: "+", stays: true }),
        item(words.zoomOut, "minus", () => actions.zoom("out"), { hint: "−", stays: true }),
      );
    if (hidden(".sp-take") && app.synced.get("take"))
      narrow.push(item(words.takes, "caret", () => actions.takes(opener)));
    narrow.push(item(words.allNumbers, "sliders", () => actions.numbers(opener)));
    return [
      {
        title: words.saveFiles,
        row: true,
        choices: formats,
        ...(app.session.fresh ? { note: words.nothingToSave } : {}),
      },
      { choices: [item(words.copyAll, "copy", actions.copy, { hint: "C" })] },
      {
        choices: [
          item(words.presentation, "screen", actions.present, { hint: "P", checked: actions.presenting() }),
          item(words.shortcuts, "keys", () => actions.shortcuts(opener), { hint: "?" }),
        ],
      },
      { choices: narrow },
      {
        title: words.lanes,
        choices: (["server", "sent"] as const).map((group) => ({
          label: words.laneGroup[group],
          checked: !page.hidden_lanes.value.has(group),
          stays: true,
          choose: () => page.toggleLanes(group),
        })),
      },
    ];
  };
  popup.list(opener, "menu", words.more, groups);
}

function named(name: string, value: string): string {
  return `${name}: ${value}`;
}
