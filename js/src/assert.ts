/** Narrows `value`; a failure here is a mistake of this program, never of the reader. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`ipyspeaches: ${message}`);
}

/** `array[index]` where the index is known to be inside. */
export function at<T>(array: ArrayLike<T>, index: number): T {
  const value = array[index];
  assert(value !== undefined, `index ${index} outside 0..${array.length - 1}`);
  return value;
}
