/** The y range set by hand: two numbers, or none for what the data says. */

import { useState } from "react";
import { type PanelLayout, readRange } from "~/model/workspace";

export function YRange({ layout, onChange }: { layout: PanelLayout; onChange: (next: PanelLayout) => void }) {
  const [low, setLow] = useState(layout.y ? String(layout.y[0]) : "");
  const [high, setHigh] = useState(layout.y ? String(layout.y[1]) : "");
  const none = low.trim() === "" && high.trim() === "";
  const range = none ? undefined : readRange([Number(low), Number(high)]);
  const mistaken = !none && (!range || low.trim() === "" || high.trim() === "");
  const { width, height } = layout;
  return (
    <form
      className="y-range"
      onSubmit={(event) => {
        event.preventDefault();
        if (!mistaken) onChange({ width, height, ...(range && { y: range }) });
      }}
    >
      <span className="muted small">Y range</span>
      <input
        className="input"
        inputMode="decimal"
        aria-label="Lowest y"
        placeholder="auto"
        value={low}
        onChange={(event) => setLow(event.target.value)}
      />
      <span aria-hidden="true">–</span>
      <input
        className="input"
        inputMode="decimal"
        aria-label="Highest y"
        placeholder="auto"
        value={high}
        onChange={(event) => setHigh(event.target.value)}
      />
      <button type="submit" className="button" disabled={mistaken}>
        Set
      </button>
      {mistaken && (
        <span className="mistake" role="status">
          Two numbers, the lower one first
        </span>
      )}
    </form>
  );
}
