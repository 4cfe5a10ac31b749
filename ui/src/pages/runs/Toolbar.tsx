/** Above the runs table: project, query, states, grouping, columns, and what is filtered by. */

import { useNavigate } from "@tanstack/react-router";
import { useId, useRef, useState } from "react";
import type { SearchHint } from "~/api/types";
import { Icon } from "~/components/Icon";
import type { TableColumn } from "~/model/columns";
import type { Known } from "~/model/complete";
import { type QueryMistake, unitRange } from "~/model/problem";
import { type RunsSearch, readStates, toggleState } from "~/model/search";
import { RUN_STATES } from "~/model/states";
import { ColumnChooser } from "./ColumnChooser";
import { GroupChooser, SEEDS } from "./GroupChooser";
import { QueryBox } from "./QueryBox";
import { QueryNotes } from "./QueryNotes";

export interface ToolbarProps {
  /** The project and the others to go to; absent where projects are not chosen. */
  project?: { name: string | undefined; all: readonly string[] };
  search: RunsSearch;
  change: (next: Partial<RunsSearch>) => void;
  known: Known;
  telling: readonly string[];
  shown: readonly string[];
  mistake: QueryMistake | undefined;
  hints: readonly SearchHint[];
}

function ProjectPicker({ name, all }: { name: string | undefined; all: readonly string[] }) {
  const navigate = useNavigate();
  return (
    <select
      className="select"
      aria-label="Project"
      value={name ?? ""}
      onChange={(event) => {
        const project = event.target.value;
        void (project === "" ? navigate({ to: "/" }) : navigate({ to: "/p/$project", params: { project } }));
      }}
    >
      <option value="">All projects</option>
      {[...new Set([...all, ...(name ? [name] : [])])].map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

function Filters({ search, change }: Pick<ToolbarProps, "search" | "change">) {
  const states = readStates(search.state);
  return (
    <fieldset className="toolbar bare" aria-label="States">
      {RUN_STATES.map((state) => (
        <button
          key={state}
          type="button"
          className="chip"
          aria-pressed={states.includes(state)}
          onClick={() => change({ state: toggleState(search.state, state) })}
        >
          {state}
        </button>
      ))}
      {search.experiment && (
        <span className="chip on">
          experiment {search.experiment}
          <button
            type="button"
            aria-label="Show all experiments"
            onClick={() => change({ experiment: undefined })}
          >
            <Icon name="close" size={12} />
          </button>
        </span>
      )}
    </fieldset>
  );
}

export function Toolbar(props: ToolbarProps) {
  const { search, change, known, mistake } = props;
  const field = useRef<HTMLInputElement>(null);
  const notes = useId();
  const [completing, setCompleting] = useState(false);
  const query = search.query ?? "";
  const columns: readonly TableColumn[] = known.columns;
  const show = (position: number, length: number) => {
    field.current?.focus();
    field.current?.setSelectionRange(...unitRange(query, position, length));
  };
  return (
    <>
      <div className="toolbar">
        {props.project && <ProjectPicker {...props.project} />}
        <QueryBox
          query={query}
          change={(next) => change({ query: next })}
          known={known}
          invalid={mistake !== undefined}
          notes={notes}
          field={field}
          onCompleting={setCompleting}
        />
        <button
          type="button"
          className="button"
          aria-pressed={search.group === SEEDS}
          title="Runs alike in all but their seed become one line: mean ± standard deviation"
          onClick={() => change({ group: search.group === SEEDS ? undefined : SEEDS })}
        >
          <Icon name="seeds" size={14} /> <span className="button-text">Group seeds</span>
        </button>
        <GroupChooser
          group={search.group}
          columns={columns}
          telling={props.telling}
          change={(group) => change({ group })}
        />
        <ColumnChooser
          project={props.project?.name}
          columns={columns}
          shown={props.shown}
          change={(cols) => change({ cols })}
        />
      </div>
      <QueryNotes
        id={notes}
        query={query}
        mistake={completing ? undefined : mistake}
        hints={completing ? [] : props.hints}
        change={(next) => change({ query: next })}
        show={show}
      />
      <Filters search={search} change={change} />
    </>
  );
}
