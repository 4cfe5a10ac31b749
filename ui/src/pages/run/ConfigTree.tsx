/** Config values as a tree that folds, each with its origin and the default it replaced. */

import { useState } from "react";
import { Icon } from "~/components/Icon";
import { Copy, TableWrap } from "~/components/parts";
import { type ConfigEntry, type ConfigRow, configTree, type OriginKind } from "~/model/config";
import { inline } from "~/model/json";

const TONE: Record<OriginKind, string> = {
  default: "outline",
  hub: "outline",
  file: "info",
  override: "accent",
  smoke: "warn",
  unknown: "outline",
};
const INDENT = 18;

function indent(depth: number) {
  return { paddingLeft: `calc(var(--space-4) + ${(depth + 1) * INDENT}px)` };
}

function Group({ row, toggle }: { row: Extract<ConfigRow, { kind: "group" }>; toggle: () => void }) {
  return (
    <tr className="tree-group">
      <th scope="row" style={indent(row.depth)}>
        <button type="button" className="tree-toggle" aria-expanded={row.open} onClick={toggle}>
          <Icon name="chevron" size={12} />
          <code>{row.name}</code>
        </button>
      </th>
      <td colSpan={3} className="faint small">
        {row.open ? "" : `${row.count} ${row.count === 1 ? "value" : "values"}`}
        {!row.open && row.changed > 0 && `, ${row.changed} changed`}
      </td>
    </tr>
  );
}

function Leaf({ entry, name, depth }: { entry: ConfigEntry; name: string; depth: number }) {
  return (
    <tr className={entry.changed ? "changed" : ""}>
      <th scope="row" style={indent(depth)} title={entry.path}>
        <code>{name}</code>
      </th>
      <td className="config-value">
        <Copy value={inline(entry.value)} />
      </td>
      <td>
        <span className={`badge ${TONE[entry.origin.kind]}`} title={entry.origin.detail}>
          {entry.origin.label}
        </span>
      </td>
      <td>
        {entry.changed ? (
          <code className="muted">
            {entry.defaultValue === undefined ? "none" : inline(entry.defaultValue)}
          </code>
        ) : (
          <span className="faint">–</span>
        )}
      </td>
    </tr>
  );
}

export function ConfigTree({ entries, unfold }: { entries: readonly ConfigEntry[]; unfold: boolean }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const rows = configTree(entries, unfold ? new Set() : closed);
  const toggle = (path: string) =>
    setClosed((before) => {
      const next = new Set(before);
      if (!next.delete(path)) next.add(path);
      return next;
    });
  return (
    <TableWrap label="Config values">
      <table className="table hover config-table">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col">Origin</th>
            <th scope="col">Default</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) =>
            row.kind === "group" ? (
              <Group key={row.path} row={row} toggle={() => toggle(row.path)} />
            ) : (
              <Leaf key={row.path} entry={row.entry} name={row.name} depth={row.depth} />
            ),
          )}
        </tbody>
      </table>
    </TableWrap>
  );
}
