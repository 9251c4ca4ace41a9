import { inLanguage } from "../../i18n/index.ts";
import { en, type LabWords } from "./en.ts";
import { zhCN } from "./zh-cn.ts";

export type { LabWords };

export function labWordsFor(tag: string): LabWords {
  return inLanguage(tag, en, zhCN);
}
