/** Numbers as the API writes them: non-finite values are strings, since JSON has none. */

export type ApiNumber = number | "NaN" | "Infinity" | "-Infinity";

/** The float an API number stands for; undefined where there is none. */
export function toFloat(value: ApiNumber | string | null | undefined): number | undefined {
  if (typeof value === "number") return value;
  switch (value) {
    case "NaN":
      return Number.NaN;
    case "Infinity":
      return Number.POSITIVE_INFINITY;
    case "-Infinity":
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}

/** The float when it is finite, else undefined. */
export function toFinite(value: ApiNumber | null | undefined): number | undefined {
  const float = toFloat(value);
  return float !== undefined && Number.isFinite(float) ? float : undefined;
}
