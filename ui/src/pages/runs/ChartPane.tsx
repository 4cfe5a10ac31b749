/** The charts of the runs whose eyes are open, and what is said about them. */

import { lazy, Suspense } from "react";
import { ErrorBoundary } from "~/components/ErrorBoundary";
import { Icon } from "~/components/Icon";
import { Empty, Loading } from "~/components/parts";
import { CHARTED_GROUPS_MAX, TOP_CHOICES, TOP_DEFAULT } from "~/model/charted";
import { formatCount, plural } from "~/model/format";
import type { RunsSearch } from "~/model/search";
import type { ChartedRuns } from "./useCharted";
import type { ChartLayout } from "./useChartLayout";

const ChartWorkspace = lazy(async () => ({
  default: (await import("~/charts/workspace/ChartWorkspace")).ChartWorkspace,
}));

interface Props {
  charted: ChartedRuns;
  total: number;
  search: RunsSearch;
  change: (next: Partial<RunsSearch>) => void;
  /** Where names of metrics are looked up; null: in all projects. */
  project: string | null;
  layout: ChartLayout;
  hovered: string | undefined;
  onHover: (run: string | undefined) => void;
}

/** What is charted, of how much; nothing is left out silently. */
function Note({ charted, total, search, change, layout }: Props) {
  const { count, left, chosen, groups } = charted;
  const what = groups ? "group" : "run";
  const choices = groups ? TOP_CHOICES.filter((top) => top <= CHARTED_GROUPS_MAX) : TOP_CHOICES;
  const top = Math.min(search.top ?? TOP_DEFAULT, choices[choices.length - 1] ?? TOP_DEFAULT);
  return (
    <div className="charts-note">
      <span>
        Charts of {plural(count, what)}
        {total > count && <span className="faint"> of {formatCount(total)}</span>}
      </span>
      {left > 0 && (
        <span className="badge warn">
          {plural(left, what)} with an open eye left out: {count} at most
        </span>
      )}
      {layout.unlinked && (
        <span
          className="badge warn"
          title="This layout of the charts is too large for a link and is gone when the page is loaded again. A saved view has room for it."
        >
          layout not saved: save a view
        </span>
      )}
      <span className="grow" />
      {chosen && (
        <button
          type="button"
          className="button ghost small"
          onClick={() => change({ on: undefined, off: undefined })}
        >
          <Icon name="reset" size={12} /> Forget eyes
        </button>
      )}
      <label className="row small">
        <span className="muted">First</span>
        <select
          className="select small"
          aria-label={`How many of the first ${what}s are charted`}
          value={top}
          onChange={(event) => {
            const next = Number(event.target.value);
            change({ top: next === TOP_DEFAULT ? undefined : next });
          }}
        >
          {[...new Set([...choices, top])]
            .sort((a, b) => a - b)
            .map((one) => (
              <option key={one} value={one}>
                {one === 0 ? "none" : one}
              </option>
            ))}
        </select>
      </label>
    </div>
  );
}

export function ChartPane(props: Props) {
  const { charted } = props;
  return (
    <section className="charts-pane" aria-label="Charts">
      <Note {...props} />
      <div className="charts-scroll">
        {charted.runs.length === 0 ? (
          <Empty title="No run is charted">
            <p>Open the eye of a run in the table, or choose how many of the first rows are charted.</p>
          </Empty>
        ) : (
          <ErrorBoundary resetKey={charted.runs.map((run) => run.id).join()}>
            <Suspense fallback={<Loading lines={6} />}>
              <ChartWorkspace
                runs={charted.runs}
                groups={charted.groups}
                project={props.project}
                layout={props.layout.layout}
                onLayout={props.layout.set}
                hovered={props.hovered}
                onHover={props.onHover}
              />
            </Suspense>
          </ErrorBoundary>
        )}
      </div>
    </section>
  );
}
