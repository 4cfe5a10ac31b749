/**
 * Draws the messages of toasts.ts. The region is always there, so that a screen reader reads what comes into it;
 * a message goes by itself unless the pointer or the focus is on it.
 */

import { useEffect, useState } from "react";
import { Icon } from "./Icon";
import { closeToast, type ShownToast, useToasts } from "./toasts";

const SHOWN_MS = 8_000;

function Message({ toast }: { toast: ShownToast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => closeToast(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, toast.id]);
  return (
    <li
      className={`toast ${toast.tone ?? ""}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon name={toast.tone === "bad" ? "warn" : "check"} />
      <span className="grow">{toast.text}</span>
      {toast.link && (
        <a className="link nowrap" href={toast.link}>
          {toast.linkText ?? "Open"}
        </a>
      )}
      <button
        type="button"
        className="button ghost icon"
        aria-label="Close the message"
        onClick={() => closeToast(toast.id)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

export function ToastRegion() {
  const toasts = useToasts();
  return (
    <section className="toasts" aria-label="Messages">
      <ul aria-live="polite" aria-relevant="additions">
        {toasts.map((toast) => (
          <Message key={toast.id} toast={toast} />
        ))}
      </ul>
    </section>
  );
}
