/** Colours for the canvas, read from the tokens. */

export function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
