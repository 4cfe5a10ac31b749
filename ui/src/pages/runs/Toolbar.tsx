/** Above the runs table: project, search, states, grouping, columns, and what to do with a selection. */

import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useDebounced, useKey } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import type { TableColumn } from "~/model/columns";
import { type RunsSearch, readStates, toggleState } from "~/model/search";
import { RUN_STATES } from "~/model/states";
import { ColumnChooser } from "./ColumnChooser";

const SEARCH_DELAY_MS = 250;

interface Props {
  project: string | undefined;
  projects: readonly string[];
  search: RunsSearch;
  change: (next: Partial<RunsSearch>) => void;
  columns: readonly TableColumn[];
  shown: readonly string[];
  selected: readonly string[];
  clearSelected: () => void;
}

function SearchField({ search, change }: Pick<Props, "search" | "change">) {
  const [text, setText] = useState(search.q ?? "");
  const field = useRef<HTMLInputElement>(null);
  const committed = useRef(search.q ?? "");
  useEffect(() => {
    // The address changed by itself (back, a link): the field follows.
    if ((search.q ?? "") !== committed.current) {
      committed.current = search.q ?? "";
      setText(committed.current);
    }
  }, [search.q]);
  useDebounced(text, SEARCH_DELAY_MS, (value) => {
    if (value === committed.current) return;
    committed.current = value;
    change({ q: value === "" ? undefined : value });
  });
  useKey("Escape", () => {
    if (document.activeElement === field.current) setText("");
  });
  return (
    <input
      ref={field}
      data-search
      type="search"
      className="input search"
      placeholder="Search runs  ( / )"
      aria-label="Search runs"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

function ProjectPicker({ project, projects }: Pick<Props, "project" | "projects">) {
  const navigate = useNavigate();
  return (
    <select
      className="select"
      aria-label="Project"
      value={project ?? ""}
      onChange={(event) => {
        const name = event.target.value;
        void (name === ""
          ? navigate({ to: "/" })
          : navigate({ to: "/p/$project", params: { project: name } }));
      }}
    >
      <option value="">All projects</option>
      {[...new Set([...projects, ...(project ? [project] : [])])].map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

export function Toolbar(props: Props) {
  const { search, change, selected } = props;
  const states = readStates(search.state);
  return (
    <>
      <div className="toolbar">
        <ProjectPicker project={props.project} projects={props.projects} />
        <SearchField search={search} change={change} />
        <span className="grow" />
        <button
          type="button"
          className="button"
          aria-pressed={search.grouped !== false}
          title="Fold runs that differ only in their seed into one row with mean and deviation"
          onClick={() => change({ grouped: search.grouped === false ? undefined : false })}
        >
          Group seeds
        </button>
        <ColumnChooser columns={props.columns} shown={props.shown} change={(cols) => change({ cols })} />
        {selected.length >= 2 ? (
          <Link to="/compare" search={{ runs: selected.join(",") }} className="button primary">
            <Icon name="compare" /> Compare {selected.length}
          </Link>
        ) : (
          <button type="button" className="button" disabled title="Check two or more runs to compare them">
            <Icon name="compare" /> Compare
          </button>
        )}
      </div>
      <fieldset className="toolbar" aria-label="States" style={{ border: 0, margin: 0, padding: 0 }}>
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
        {selected.length > 0 && (
          <button type="button" className="button ghost" onClick={props.clearSelected}>
            Clear {selected.length} checked
          </button>
        )}
      </fieldset>
    </>
  );
}
