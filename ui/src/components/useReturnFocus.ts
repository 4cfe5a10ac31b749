/** The button that opens an editor is gone meanwhile; when the editor closes, the focus goes back to it. */

import { type RefObject, useEffect, useRef } from "react";

export function useReturnFocus(open: boolean): RefObject<HTMLButtonElement | null> {
  const opener = useRef<HTMLButtonElement>(null);
  const was = useRef(open);
  useEffect(() => {
    if (was.current && !open) opener.current?.focus();
    was.current = open;
  }, [open]);
  return opener;
}
