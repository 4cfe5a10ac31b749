/** A dialog over the page: the browser keeps the focus in it, and Escape closes it. */

import { type ReactNode, useEffect, useId, useRef } from "react";

export function Dialog(props: { title: string; wide?: boolean; close: () => void; children: ReactNode }) {
  const { close } = props;
  const host = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    const dialog = host.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={host}
      className={`dialog ${props.wide ? "wide" : ""}`}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div className="stack">
        <h2 id={title}>{props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}
