/** The params of an adapter: found by name or by what they do, each with type, range, unit and default. */

import { useState } from "react";
import type { AdapterView } from "~/api/types";
import { Panel, TableWrap } from "~/components/parts";
import { readSchema, type SchemaField } from "~/model/dataset";
import { plural } from "~/model/format";
import { inline } from "~/model/json";

function Row({ field }: { field: SchemaField }) {
  return (
    <tr>
      <th scope="row">
        <code>{field.name}</code> {field.required && <span className="badge warn">required</span>}
      </th>
      <td className="muted">
        {field.type} {field.unit && <span className="nowrap">({field.unit})</span>}
      </td>
      <td>
        {field.fallback === undefined ? (
          <span className="faint">none</span>
        ) : (
          <code>{inline(field.fallback)}</code>
        )}
      </td>
      <td className="muted">{field.searched ?? ""}</td>
      <td className="muted help">{field.description}</td>
    </tr>
  );
}

export function SchemaBrowser({ adapter }: { adapter: AdapterView }) {
  const [filter, setFilter] = useState("");
  const fields = readSchema(adapter.schema);
  const needle = filter.toLowerCase();
  const shown = fields.filter((field) => `${field.name} ${field.description}`.toLowerCase().includes(needle));
  if (fields.length === 0) {
    return (
      <Panel title="Params">
        <p className="muted">It takes no params.</p>
      </Panel>
    );
  }
  return (
    <Panel
      title={plural(fields.length, "param")}
      aside={
        <input
          data-search
          type="search"
          className="input"
          placeholder="Find a param  ( / )"
          aria-label="Find a param"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      }
      flush
    >
      <TableWrap label={`Params of ${adapter.name}`}>
        <table className="table hover schema">
          <thead>
            <tr>
              <th scope="col">Param</th>
              <th scope="col">Type and range</th>
              <th scope="col">Default</th>
              <th scope="col" title="What a sweep tries when nobody says otherwise">
                A sweep tries
              </th>
              <th scope="col">What it does</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((field) => (
              <Row key={field.name} field={field} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p className="inside muted">No param has these letters.</p>}
      </TableWrap>
    </Panel>
  );
}
