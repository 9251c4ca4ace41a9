import { en, type Strings } from "./en.ts";
import { zhCN } from "./zh-cn.ts";

export type { Strings };

/** Words for a language tag; English where there is no translation. */
export function stringsFor(tag: string): Strings {
  return tag.toLowerCase().startsWith("zh") ? zhCN : en;
}
