/** Which columns the runs table shows: what its rows have, by kind, with a filter. */

import { useState } from "react";
import { useKey } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { type ColumnKind, type TableColumn, toggleColumn } from "~/model/columns";

const KINDS: readonly [ColumnKind, string][] = [
  ["field", "Run"],
  ["metric", "Metrics"],
  ["param", "Params"],
  ["tag", "Tags"],
];
/** More columns of a kind than this are found by the filter. */
const LISTED_MAX = 60;

export function ColumnChooser(props: {
  columns: readonly TableColumn[];
  shown: readonly string[];
  change: (cols: string | undefined) => void;
}) {
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState("");
  useKey("Escape", () => setOpen(false));
  const found = props.columns.filter((column) => column.label.toLowerCase().includes(filter.toLowerCase()));
  return (
    <div className="popover-anchor">
      <button
        type="button"
        className="button"
        aria-expanded={open}
        onClick={() => setOpen((before) => !before)}
      >
        <Icon name="columns" /> Columns
      </button>
      {open && (
        <div className="popover" role="dialog" aria-label="Columns">
          <div className="row">
            <input
              className="input grow"
              placeholder="Find a column"
              aria-label="Find a column"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
            <button type="button" className="button ghost" onClick={() => props.change(undefined)}>
              Reset
            </button>
          </div>
          {KINDS.map(([kind, title]) => {
            const list = found.filter((column) => column.kind === kind);
            if (list.length === 0) return null;
            return (
              <fieldset key={kind} style={{ border: 0, margin: 0, padding: 0 }}>
                <legend className="nav-title" style={{ padding: 0 }}>
                  {title}
                </legend>
                {list.slice(0, LISTED_MAX).map((column) => (
                  <label key={column.id} className="row" style={{ padding: "2px 0" }}>
                    <input
                      type="checkbox"
                      checked={props.shown.includes(column.id)}
                      onChange={() => props.change(toggleColumn(props.shown, column.id))}
                    />
                    <span className="truncate" title={column.label}>
                      {column.label}
                    </span>
                  </label>
                ))}
                {list.length > LISTED_MAX && (
                  <span className="faint small">and {list.length - LISTED_MAX} more: type to find them</span>
                )}
              </fieldset>
            );
          })}
        </div>
      )}
    </div>
  );
}
