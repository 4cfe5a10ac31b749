/** What runs are grouped by: seeds, params, tags, fields. The hub does the grouping. */

import { useState } from "react";
import { Icon } from "~/components/Icon";
import { Popover } from "~/components/Popover";
import { columnOf, type TableColumn } from "~/model/columns";
import { splitList } from "~/model/language";
import { GROUP_KEYS_MAX } from "~/model/request";
import { toggleGroup } from "~/model/search";

/** Runs alike in all but their seed. */
export const SEEDS = "experiment,adapter,group";
const GROUPED_FIELDS = ["experiment", "adapter", "dataset", "state", "owner", "project", "group"];
const LISTED_MAX = 60;

interface Props {
  group: string | undefined;
  columns: readonly TableColumn[];
  /** Params whose values differ come first. */
  telling: readonly string[];
  change: (group: string | undefined) => void;
}

export function GroupChooser(props: Props) {
  const keys = splitList(props.group ?? "");
  const label = keys.map((key) => columnOf(key)?.label ?? key).join(", ");
  return (
    <Popover
      label="Group by"
      on={keys.length > 0}
      button={
        <>
          <Icon name="group" />
          <span className="truncate" style={{ maxWidth: 180 }}>
            {props.group === SEEDS ? "By seeds" : keys.length > 0 ? `By ${label}` : "Group by"}
          </span>
        </>
      }
    >
      {(close) => <Chooser {...props} keys={keys} close={close} />}
    </Popover>
  );
}

function Chooser(props: Props & { keys: readonly string[]; close: () => void }) {
  const { keys, group, change, close } = props;
  const [filter, setFilter] = useState("");
  const needle = filter.trim().toLowerCase();
  const params = props.columns.filter((column) => column.kind === "param" || column.kind === "tag");
  const rank = (id: string) => (keys.includes(id) ? 0 : props.telling.includes(id) ? 1 : 2);
  const offered = [
    ...GROUPED_FIELDS.flatMap((id) => columnOf(id) ?? []),
    ...[...params].sort((a, b) => rank(a.id) - rank(b.id)),
  ];
  const found = offered.filter((column) => `${column.label} ${column.id}`.toLowerCase().includes(needle));
  const choose = (next: string | undefined) => {
    change(next);
    close();
  };
  return (
    <>
      <div className="row wrap">
        <button
          type="button"
          className="chip"
          aria-pressed={group === undefined}
          onClick={() => choose(undefined)}
        >
          Every run
        </button>
        <button type="button" className="chip" aria-pressed={group === SEEDS} onClick={() => choose(SEEDS)}>
          Seeds
        </button>
      </div>
      <input
        className="input"
        placeholder="Find a field, param or tag"
        aria-label="Find what to group by"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
      <fieldset className="choices">
        <legend className="visually-hidden">Group by</legend>
        {found.slice(0, LISTED_MAX).map((column) => (
          <label key={column.id} className="row" title={column.id}>
            <input
              type="checkbox"
              checked={keys.includes(column.id)}
              disabled={keys.length >= GROUP_KEYS_MAX && !keys.includes(column.id)}
              onChange={() => change(toggleGroup(group, column.id))}
            />
            <span className="truncate grow">{column.label}</span>
            <span className="faint small">{column.kind === "field" ? "" : column.kind}</span>
          </label>
        ))}
      </fieldset>
      {found.length > LISTED_MAX && (
        <span className="faint small">and {found.length - LISTED_MAX} more: type to find them</span>
      )}
    </>
  );
}
