/**
 * A pointer that lies still points at nothing: what opens, or moves, under it is not hovered over. Browsers tell
 * of it as if it were, and a list whose line is hovered over takes the focus from the field one types in.
 */

import { useLayoutEffect } from "react";

function place({ clientX, clientY }: PointerEvent): string {
  return `${clientX},${clientY}`;
}

/** As long as the component is there. */
export function useStillPointer(): void {
  useLayoutEffect(() => {
    let last: string | undefined;
    const cross = (event: PointerEvent) => {
      if (last === undefined || place(event) === last) event.stopImmediatePropagation();
    };
    const move = (event: PointerEvent) => {
      last = place(event);
    };
    // React makes entering of either.
    window.addEventListener("pointerover", cross, true);
    window.addEventListener("pointerout", cross, true);
    window.addEventListener("pointermove", move, true);
    return () => {
      window.removeEventListener("pointerover", cross, true);
      window.removeEventListener("pointerout", cross, true);
      window.removeEventListener("pointermove", move, true);
    };
  }, []);
}
