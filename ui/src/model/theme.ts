/** The colour scheme a person chose; "system" follows the machine. */

export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function readTheme(stored: string | null | undefined): Theme {
  return THEMES.find((theme) => theme === stored) ?? "system";
}

/** What the choice comes to. */
export function resolveTheme(theme: Theme, systemIsDark: boolean): "light" | "dark" {
  return theme === "system" ? (systemIsDark ? "dark" : "light") : theme;
}
