/** Measures of colours: contrast of text (WCAG 2.2) and difference as seen with colour-vision deficiencies. */

/** Red, green and blue, 0 to 1, as written in a style sheet (sRGB). */
export type Rgb = readonly [number, number, number];

export const VISIONS = ["normal", "protanopia", "deuteranopia", "tritanopia"] as const;
export type Vision = (typeof VISIONS)[number];

/** Full deficiency in linear RGB: Machado, Oliveira and Fernandes, 2009 (severity 1.0). */
const SIMULATION: Record<Exclude<Vision, "normal">, readonly Rgb[]> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** `#rrggbb`, or `#rgb` as a build shortens it, as numbers; undefined for anything else. */
export function readHex(text: string): Rgb | undefined {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1];
  if (digits === undefined) return undefined;
  const hex = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  const part = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16) / 255;
  return [part(0), part(2), part(4)];
}

function linear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function linearRgb(color: Rgb): Rgb {
  return [linear(color[0]), linear(color[1]), linear(color[2])];
}

/** Relative luminance: WCAG 2.2, "relative luminance". */
export function luminance(color: Rgb): number {
  const [red, green, blue] = linearRgb(color);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast of two colours, 1 to 21: WCAG 2.2, "contrast ratio". */
export function contrastRatio(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function dot(row: Rgb, color: Rgb): number {
  return row[0] * color[0] + row[1] * color[1] + row[2] * color[2];
}

/** Linear RGB as an eye of this kind sees it. */
function seen(color: Rgb, vision: Vision): Rgb {
  const plain = linearRgb(color);
  if (vision === "normal") return plain;
  const [red, green, blue] = SIMULATION[vision] as [Rgb, Rgb, Rgb];
  const held = (value: number) => Math.min(1, Math.max(0, value));
  return [held(dot(red, plain)), held(dot(green, plain)), held(dot(blue, plain))];
}

/** Oklab of linear RGB: Ottosson, 2020. */
function oklab(color: Rgb): Rgb {
  const l = Math.cbrt(dot([0.4122214708, 0.5363325363, 0.0514459929], color));
  const m = Math.cbrt(dot([0.2119034982, 0.6806995451, 0.1073969566], color));
  const s = Math.cbrt(dot([0.0883024619, 0.2817188376, 0.6299787005], color));
  return [
    dot([0.2104542553, 0.793617785, -0.0040720468], [l, m, s]),
    dot([1.9779984951, -2.428592205, 0.4505937099], [l, m, s]),
    dot([0.0259040371, 0.7827717662, -0.808675766], [l, m, s]),
  ];
}

/** Distance in Oklab times 100: about 2 is just seen, 10 is told apart at a glance in thin lines. */
export function difference(a: Rgb, b: Rgb, vision: Vision = "normal"): number {
  const [p, q] = [oklab(seen(a, vision)), oklab(seen(b, vision))];
  return 100 * Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/** The smallest difference over all kinds of vision. */
export function worstDifference(a: Rgb, b: Rgb): number {
  return Math.min(...VISIONS.map((vision) => difference(a, b, vision)));
}

/** Custom properties of each colour scheme in a style sheet, by scheme and name. */
export function readTokens(css: string): Record<"light" | "dark", Map<string, string>> {
  const block = (theme: string) => {
    const body = new RegExp(`data-theme="${theme}"\\][^{]*\\{([^}]*)\\}`).exec(css)?.[1] ?? "";
    return new Map(
      [...body.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]),
    );
  };
  return { light: block("light"), dark: block("dark") };
}

const GROUNDS = ["bg", "panel", "raised", "hover"] as const;
const INKS = ["text", "muted", "faint", "accent", "good", "bad", "warn", "info"] as const;

/** Every text colour with every ground it stands on. */
export const TEXT_PAIRS: readonly (readonly [string, string])[] = [
  ...INKS.flatMap((ink) => GROUNDS.map((ground) => [ink, ground] as const)),
  ...["text", "muted", "faint"].map((ink) => [ink, "pressed"] as const),
  ...["accent", "good", "bad", "warn", "info"].map((ink) => [ink, `${ink}-soft`] as const),
  ["text", "accent-soft"],
  ["muted", "accent-soft"],
  ["on-accent", "accent"],
  ["on-accent", "bad"],
];
