import { en, type LabWords } from "./en.ts";
import { zhCN } from "./zh-cn.ts";

export type { LabWords };

/** Words for a language tag; English where there is no translation. */
export function labWordsFor(tag: string): LabWords {
  return tag.toLowerCase().startsWith("zh") ? zhCN : en;
}
