/** The parts of a run's page as links: arrow keys go from one to the next, and each tells how much it holds. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { artifactsQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { formatCount } from "~/model/format";
import { asArray, asObject } from "~/model/json";
import { isSystem } from "~/model/metrics";
import { RUN_TABS, type RunTab } from "~/model/search";
import { useLeftModel } from "../try/useModel";

const TITLES: Record<RunTab, string> = {
  overview: "Overview",
  charts: "Charts",
  evaluation: "Evaluation",
  try: "Try it",
  media: "Media",
  logs: "Logs",
  config: "Config",
  system: "System",
  artifacts: "Artifacts",
  provenance: "Provenance",
};

/** What the number on a tab counts. */
const COUNTED: Partial<Record<RunTab, string>> = {
  charts: "metrics",
  evaluation: "evaluated metrics",
  config: "changed from the defaults",
  artifacts: "files",
  provenance: "warnings",
};

function changedCount(changes: unknown): number {
  return Array.isArray(changes) ? asArray(changes).length : Object.keys(asObject(changes)).length;
}

function useCounts(run: RunDetail): Partial<Record<RunTab, number>> {
  const artifacts = useQuery({ ...artifactsQuery(run.id), select: (data) => data.artifacts.length }).data;
  const names = Object.keys(run.metrics).filter((name) => !isSystem(name));
  const evaluated = names.filter((name) => run.intervals[name]).length;
  return {
    charts: names.length - evaluated,
    evaluation: evaluated,
    config: changedCount(run.snapshot.changes_from_defaults),
    ...(artifacts !== undefined && { artifacts }),
    provenance: run.snapshot.warnings?.length ?? 0,
  };
}

const STEPS: Record<string, (at: number, last: number) => number> = {
  ArrowRight: (at, last) => (at === last ? 0 : at + 1),
  ArrowLeft: (at, last) => (at === 0 ? last : at - 1),
  Home: () => 0,
  End: (_, last) => last,
};

function onArrow(event: KeyboardEvent<HTMLElement>): void {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("a")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  const next = links[step(at, links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** The tab "Try it" is there when the run left a model, and on a link that names it. */
export function RunTabs({ run, tab }: { run: RunDetail; tab: RunTab }) {
  const model = useLeftModel(run);
  const counts = useCounts(run);
  const bar = useRef<HTMLElement>(null);
  // On a narrow screen the open tab may be beyond the edge; it moves when "Try it" comes to be there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the tabs change
  useEffect(() => {
    const open = bar.current?.querySelector<HTMLElement>('[aria-current="page"]');
    if (!bar.current || !open) return;
    const left = open.offsetLeft - bar.current.offsetLeft;
    bar.current.scrollLeft = left - (bar.current.clientWidth - open.offsetWidth) / 2;
  }, [tab, model.data]);
  const shown = RUN_TABS.filter((one) => one !== "try" || one === tab || model.data === true);
  return (
    <nav ref={bar} className="tabs" aria-label="Parts of the run" onKeyDown={onArrow}>
      {shown.map((one) => {
        const count = counts[one] ?? 0;
        const told = count > 0 ? `${formatCount(count)} ${COUNTED[one] ?? ""}` : undefined;
        return (
          <Link
            key={one}
            to="/runs/$id"
            params={{ id: run.id }}
            search={one === "overview" ? {} : { tab: one }}
            className="tab"
            activeOptions={{ exact: true, includeSearch: true }}
            aria-current={one === tab ? "page" : undefined}
            aria-label={TITLES[one]}
            aria-description={told}
            title={told}
            replace
          >
            {TITLES[one]}
            {told && <span className="tab-count">{formatCount(count)}</span>}
          </Link>
        );
      })}
    </nav>
  );
}
