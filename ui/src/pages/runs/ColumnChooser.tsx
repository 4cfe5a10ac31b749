/** Which columns the runs table shows, and in which order: found among all fields of all runs. */

import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { fieldsQuery } from "~/api/workspace";
import { Icon } from "~/components/Icon";
import { Popover } from "~/components/Popover";
import {
  COLUMNS_MAX,
  type ColumnKind,
  columnOf,
  joinColumns,
  type TableColumn,
  toggleColumn,
} from "~/model/columns";
import { formatCount, plural } from "~/model/format";
import { COLUMNS_TEXT_MAX } from "~/model/search";
import { ColumnOrder } from "./ColumnOrder";

const KINDS: readonly [ColumnKind, string][] = [
  ["field", "Run"],
  ["metric", "Metrics"],
  ["param", "Params"],
  ["tag", "Tags"],
];
/** More columns of a kind than this are found by the filter. */
const LISTED_MAX = 60;

interface Props {
  project: string | undefined;
  /** Columns of the newest runs, known without asking. */
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
          <Icon name="columns" /> <span className="button-text">Columns</span>
        </>
      }
    >
      {() => <Chooser {...props} />}
    </Popover>
  );
}

/** Columns that match: those of the newest runs, those shown, and what the hub finds among all runs. */
function useFound({ project, columns, shown }: Props, needle: string) {
  const fields = useQuery(fieldsQuery(project, useDeferredValue(needle)));
  const all = new Map<string, TableColumn>();
  for (const column of columns) all.set(column.id, column);
  for (const id of [...shown, ...(fields.data?.fields ?? []).map((field) => field.operand)]) {
    const column = all.has(id) ? undefined : columnOf(id);
    if (column) all.set(id, column);
  }
  const runs = new Map(fields.data?.fields.map((field) => [field.operand, field.runs]));
  const found = [...all.values()].filter((column) =>
    `${column.label} ${column.id}`.toLowerCase().includes(needle.toLowerCase()),
  );
  const more = Math.max(0, (fields.data?.total ?? 0) - (fields.data?.fields.length ?? 0));
  return { all, found, runs, more, error: fields.error };
}

function Chooser(props: Props) {
  const { shown, change } = props;
  const [filter, setFilter] = useState("");
  const needle = filter.trim();
  const { all, found, runs, more, error } = useFound(props, needle);
  const typed = columnOf(needle);
  const fresh = typed && !all.has(typed.id) ? typed : undefined;
  const added = joinColumns([...new Set([...shown, ...found.map((column) => column.id)])]);
  const roomy = found.length + shown.length <= COLUMNS_MAX && added.length <= COLUMNS_TEXT_MAX;
  return (
    <>
      <div className="row">
        <input
          // biome-ignore lint/a11y/noAutofocus: who opens the list types; what is typed at once is for this field
          autoFocus
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
      {needle !== "" && found.length > 1 && (
        <button type="button" className="button" disabled={!roomy} onClick={() => change(added)}>
          {roomy ? `Add all ${formatCount(found.length)} found` : "Too many to add them all"}
        </button>
      )}
      {needle === "" && <ColumnOrder shown={shown} change={change} />}
      {KINDS.map(([kind, title]) => (
        <Kind
          key={kind}
          title={title}
          list={found.filter((column) => column.kind === kind)}
          runs={runs}
          {...props}
        />
      ))}
      {more > 0 && <span className="faint small">{formatCount(more)} more names: type to find them</span>}
      {error && <span className="faint small">Only names of the newest runs: {error.message}</span>}
      {found.length === 0 && !fresh && <p className="muted">No column is called like that.</p>}
    </>
  );
}

function Kind(
  props: Props & { title: string; list: readonly TableColumn[]; runs: ReadonlyMap<string, number> },
) {
  const { title, list, runs, shown, change } = props;
  if (list.length === 0) return null;
  return (
    <fieldset className="choices">
      <legend className="nav-title">{title}</legend>
      {list.slice(0, LISTED_MAX).map((column) => (
        <label key={column.id} className="row" title={column.id}>
          <input
            type="checkbox"
            checked={shown.includes(column.id)}
            onChange={() => change(toggleColumn(shown, column.id))}
          />
          <span className="truncate grow">{column.label}</span>
          {runs.has(column.id) && (
            <span className="faint small" title={`${plural(runs.get(column.id) ?? 0, "run")} have it`}>
              {formatCount(runs.get(column.id) ?? 0)}
            </span>
          )}
        </label>
      ))}
      {list.length > LISTED_MAX && (
        <span className="faint small">
          and {formatCount(list.length - LISTED_MAX)} more: type to find them
        </span>
      )}
    </fieldset>
  );
}
