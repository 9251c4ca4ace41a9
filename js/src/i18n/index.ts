import { en, type Words } from "./en.ts";
import { zhCN } from "./zh-cn.ts";

export type { Words };

/** Of words in two languages those for a language tag; English where there is no translation. */
export function inLanguage<T>(tag: string, english: T, chinese: T): T {
  return tag.toLowerCase().startsWith("zh") ? chinese : english;
}

export function wordsFor(tag: string): Words {
  return inLanguage(tag, en, zhCN);
}
