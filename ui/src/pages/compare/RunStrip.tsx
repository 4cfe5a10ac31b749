/** The runs of the link: which is the baseline, which are hidden, and their order. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { presentQuery } from "~/api/documents";
import type { RunSummary } from "~/api/types";
import { Icon } from "~/components/Icon";
import { ActionMenu } from "~/components/Menu";
import { StateBadge, Swatch } from "~/components/parts";
import { added, moved, removed, toggleHidden } from "~/model/compare";
import { PANEL_RUNS_MAX } from "~/model/report";
import { readIds } from "~/model/search";
import { RunPicker } from "./RunPicker";
import type { PartProps } from "./useCompare";

type Props = Pick<PartProps, "search" | "change" | "colors"> & {
  runs: readonly RunSummary[];
  baseline: string | undefined;
};

/** Names of the hidden ones: the comparison does not bring them. */
function useHidden(hidden: readonly string[]) {
  const found = useQuery(presentQuery(hidden)).data?.runs ?? [];
  return new Map(found.map((run) => [run.id, run.name]));
}

export function RunStrip(props: Props) {
  const { search, change, runs } = props;
  const [picking, setPicking] = useState(false);
  const ids = readIds(search.runs);
  const hidden = readIds(search.hidden);
  const names = useHidden(hidden);
  const byId = new Map(runs.map((run) => [run.id, run]));
  return (
    <div className="run-strip">
      <ul className="row wrap" aria-label="Runs compared">
        {ids.map((id, at) => (
          <Chip
            key={id}
            {...props}
            id={id}
            at={at}
            last={at === ids.length - 1}
            run={byId.get(id)}
            name={byId.get(id)?.name ?? names.get(id) ?? id}
            off={hidden.includes(id)}
          />
        ))}
        <li>
          <button type="button" className="chip" onClick={() => setPicking(true)}>
            + Add runs
          </button>
        </li>
      </ul>
      {picking && (
        <RunPicker
          title="Add runs to the comparison"
          taken={ids}
          room={PANEL_RUNS_MAX - ids.length}
          pick={(more) => change((before) => added(before, more))}
          close={() => setPicking(false)}
        />
      )}
    </div>
  );
}

interface ChipProps extends Props {
  id: string;
  at: number;
  last: boolean;
  run: RunSummary | undefined;
  name: string;
  off: boolean;
}

function Chip(props: ChipProps) {
  const { id, run, name, off } = props;
  const isBaseline = id === props.baseline;
  return (
    <li className={`chip run-chip ${off ? "off" : ""} ${isBaseline ? "base" : ""}`}>
      <Swatch color={props.colors.get(id) ?? 0} />
      <Link to="/runs/$id" params={{ id }} title={id} className="truncate">
        {name}
      </Link>
      {isBaseline && <span className="badge accent">baseline</span>}
      {off && <span className="faint">hidden</span>}
      {run && run.state !== "finished" && <StateBadge state={run.state} />}
      <ActionMenu
        label={`Actions for ${name}`}
        className="chip-more"
        button={<span aria-hidden="true">⋯</span>}
        actions={chipActions(props, isBaseline)}
      />
      <button
        type="button"
        aria-label={`Remove ${name}`}
        onClick={() => props.change((before) => removed(before, [id]))}
      >
        <Icon name="close" size={12} />
      </button>
    </li>
  );
}

function chipActions({ id, at, last, off, change }: ChipProps, isBaseline: boolean) {
  const move = (to: number) => () => change((before) => moved(before, id, to));
  return [
    {
      id: "baseline",
      label: "Measure the others against it",
      disabled: isBaseline || off,
      run: () => change((before) => ({ ...before, baseline: id })),
    },
    {
      id: "hide",
      label: off ? "Show" : "Hide",
      run: () => change((before) => toggleHidden(before, id)),
    },
    { id: "first", label: "Move to the start", disabled: at === 0, run: move(0) },
    { id: "left", label: "Move left", disabled: at === 0, run: move(at - 1) },
    { id: "right", label: "Move right", disabled: last, run: move(at + 1) },
    { id: "end", label: "Move to the end", disabled: last, run: move(at + PANEL_RUNS_MAX) },
  ];
}
