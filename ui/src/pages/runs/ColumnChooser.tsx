/** Which columns the runs table shows: what runs have, by kind, with a filter; or any operand written out. */

import { useState } from "react";
import { Icon } from "~/components/Icon";
import { Popover } from "~/components/Popover";
import { type ColumnKind, columnOf, type TableColumn, toggleColumn } from "~/model/columns";

const KINDS: readonly [ColumnKind, string][] = [
  ["field", "Run"],
  ["metric", "Metrics"],
  ["param", "Params"],
  ["tag", "Tags"],
];
/** More columns of a kind than this are found by the filter. */
const LISTED_MAX = 60;

interface Props {
  columns: readonly TableColumn[];
  shown: readonly string[];
  change: (cols: string | undefined) => void;
}

export function ColumnChooser(props: Props) {
  return (
    <Popover
      label="Columns"
      button={
        <>
          <Icon name="columns" /> Columns
        </>
      }
    >
      {() => <Chooser {...props} />}
    </Popover>
  );
}

function Chooser({ columns, shown, change }: Props) {
  const [filter, setFilter] = useState("");
  const needle = filter.trim().toLowerCase();
  const known = new Set(columns.map((column) => column.id));
  const written = shown.filter((id) => !known.has(id)).flatMap((id) => columnOf(id) ?? []);
  const all = [...columns, ...written];
  const found = all.filter((column) => `${column.label} ${column.id}`.toLowerCase().includes(needle));
  const typed = columnOf(filter.trim());
  const fresh = typed && !all.some((column) => column.id === typed.id) ? typed : undefined;
  return (
    <>
      <div className="row">
        <input
          className="input grow"
          placeholder="Find, or write max(metrics.acc)"
          aria-label="Find a column"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <button type="button" className="button ghost" onClick={() => change(undefined)}>
          Reset
        </button>
      </div>
      {fresh && (
        <button type="button" className="button" onClick={() => change(toggleColumn(shown, fresh.id))}>
          Add <code className="truncate">{fresh.id}</code>
        </button>
      )}
      {KINDS.map(([kind, title]) => {
        const list = found.filter((column) => column.kind === kind);
        if (list.length === 0) return null;
        return (
          <fieldset key={kind} className="choices">
            <legend className="nav-title">{title}</legend>
            {list.slice(0, LISTED_MAX).map((column) => (
              <label key={column.id} className="row" title={column.id}>
                <input
                  type="checkbox"
                  checked={shown.includes(column.id)}
                  onChange={() => change(toggleColumn(shown, column.id))}
                />
                <span className="truncate">{column.label}</span>
              </label>
            ))}
            {list.length > LISTED_MAX && (
              <span className="faint small">and {list.length - LISTED_MAX} more: type to find them</span>
            )}
          </fieldset>
        );
      })}
      {found.length === 0 && !fresh && <p className="muted">No column is called like that.</p>}
    </>
  );
}
