/** A canvas that is drawn once per frame at most, sharp on every screen, anew when size, theme or picture change. */

import { type RefObject, useEffect, useRef } from "react";
import { useResolvedTheme } from "~/components/theme";

export interface Size {
  width: number;
  height: number;
}

/** `draw` must be the same function as long as the picture is the same. */
export function useCanvas(
  size: Size,
  draw: (context: CanvasRenderingContext2D, size: Size) => void,
): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useResolvedTheme();
  const { width, height } = size;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours drawn with are the theme's
  useEffect(() => {
    const element = canvas.current;
    if (!element || width === 0) return;
    const frame = requestAnimationFrame(() => {
      const ratio = window.devicePixelRatio || 1;
      const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (element.width !== across || element.height !== down) {
        element.width = across;
        element.height = down;
      }
      const context = element.getContext("2d");
      if (!context) return;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      draw(context, { width, height });
    });
    return () => cancelAnimationFrame(frame);
  }, [width, height, draw, theme]);
  return canvas;
}
