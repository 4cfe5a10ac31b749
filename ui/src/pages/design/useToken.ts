/** The value of tokens as the browser resolves them now; anew when the colour scheme or density changes. */

import { useSettings } from "~/components/settings";
import { useResolvedTheme } from "~/components/theme";
import { type Rgb, readHex } from "~/model/contrast";

export function useToken(): (name: string) => string {
  useResolvedTheme();
  useSettings();
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

export function useColor(): (name: string) => Rgb | undefined {
  const token = useToken();
  return (name) => readHex(token(name));
}
