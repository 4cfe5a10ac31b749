/** Copies the address of the page: it brings back runs, order, baseline and what is hidden. */

import { useState } from "react";
import { copyText } from "~/components/clipboard";

export function LinkButton() {
  const [told, setTold] = useState("");
  const copy = async () => {
    setTold((await copyText(window.location.href)) ? "Copied" : "The browser refused: copy the address bar");
  };
  return (
    <>
      <span className="muted small" role="status">
        {told}
      </span>
      <button type="button" className="button" onClick={() => void copy()}>
        Copy link
      </button>
    </>
  );
}
