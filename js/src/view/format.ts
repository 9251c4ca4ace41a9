import type { Unit } from "../wire/messages.ts";

/** Numbers as they stand on screen. Fixed widths: a number must not move what is beside it. */

/** 81.42 -> "01:21.4"; an hour or more -> "1:01:21". */
export function clock(time_s: number, decimals = 1): string {
  const factor = 10 ** decimals;
  const total = Math.floor(Math.max(0, time_s) * factor + 1e-6) / factor;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(Math.floor(total % 60))}`;
  const seconds = (total % 60).toFixed(decimals);
  return `${two(minutes)}:${seconds.padStart(decimals ? decimals + 3 : 2, "0")}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A level with a true minus sign; nothing is louder than silence: "–". */
export function decibel(value: number | null, decimals = 0): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** int16 amplitude as dB of full scale. */
export function amplitudeDb(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1) / 32768);
}

export function threshold(value: number, unit: Unit): string {
  if (unit === "energy") return String(Math.round(value));
  return value.toFixed(unit === "probability" ? 2 : 1);
}

/** Length of the window: "24 s", "5 min", "2 h". */
export function span(
  seconds: number,
  words: { seconds(value: string): string; minutes(value: string): string; hours(value: string): string },
): string {
  if (seconds < 60) return words.seconds(short(seconds));
  if (seconds < 3600) return words.minutes(short(seconds / 60));
  return words.hours(short(seconds / 3600));
}

function short(value: number): string {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
}

/** Frequent characters that are written in Traditional Chinese alone. */
const TRADITIONAL =
  /[這們來時為國會說對還過與產業電話請問麼樣學習開關無體長門間見點發經進動現實應該從當沒兩樂車東廣]/;

/** The language tag a row carries, so that glyphs fit the language and not the interface. */
export function languageTag({
  language,
  text,
}: {
  readonly language: string;
  readonly text: string;
}): string {
  if (language !== "zh") return language;
  return TRADITIONAL.test(text) ? "zh-TW" : "zh-CN";
}

/** A moment on the wall clock: "12:03", on another day "Nov 26, 12:03". */
export function dayAndTime(moment_ms: number, now_ms: number, lang: string): string {
  const day = new Date(moment_ms).toDateString() !== new Date(now_ms).toDateString();
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const style = day ? { ...time, month: "short" as const, day: "numeric" as const } : time;
  return new Intl.DateTimeFormat([lang], style).format(moment_ms);
}
