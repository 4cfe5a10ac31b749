/** Home: the runs of all projects or of one. */

import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { Icon } from "~/components/Icon";
import { Empty, Loading, Notice, Segments } from "~/components/parts";
import type { RunsSearch, Show } from "~/model/search";
import { RunsView } from "./RunsView";
import { useShow } from "./useShow";
import { useView } from "./useView";
import { ViewMenu } from "./ViewMenu";

const allRoute = getRouteApi("/");
const projectRoute = getRouteApi("/p/$project");

export function AllRunsPage() {
  return <RunsPage project={undefined} search={allRoute.useSearch()} />;
}

export function ProjectRunsPage() {
  const { project } = projectRoute.useParams();
  return <RunsPage key={project} project={project} search={projectRoute.useSearch()} />;
}

function NoMatch() {
  return (
    <Empty title="No run matches">
      <p>
        Change the query or the states above. A text in quotes, such as <code>'resnet'</code>, is looked for
        in ids, names, experiments, adapters and tags.
      </p>
    </Empty>
  );
}

function NoRuns() {
  return (
    <Empty
      title="No runs yet"
      commands={[
        ["mlhub demo", "trains and compares three models on a real data set"],
        ["mlhub run experiment.yaml", "runs your own experiment, one run per seed"],
        ["mlhub run experiment.yaml --dry-run", "prints what would happen, and where each value comes from"],
      ]}
    >
      <p>Runs appear here while they train. Start one from a terminal:</p>
    </Empty>
  );
}

/** The address's state: changed in parts, or replaced as a whole. */
function useAddress(project: string | undefined) {
  const navigate = useNavigate();
  return useMemo(() => {
    const go = (search: (before: RunsSearch) => RunsSearch) =>
      void (project === undefined
        ? navigate({ to: "/", search, replace: true })
        : navigate({ to: "/p/$project", params: { project }, search, replace: true }));
    return {
      change: (next: Partial<RunsSearch>) => go((before) => ({ ...before, ...next })),
      set: (search: RunsSearch) => go(() => search),
    };
  }, [navigate, project]);
}

function RunsPage({ project, search }: { project: string | undefined; search: RunsSearch }) {
  const { change, set } = useAddress(project);
  const view = useView(search, set, change);
  const show = useShow(search.show, false);
  return (
    <div className="page fixed">
      {view.opening ? (
        <div className="page-head">
          <Loading lines={8} />
        </div>
      ) : (
        <RunsView
          project={{ name: project }}
          search={search}
          change={change}
          charts={view.charts}
          deleted={false}
          head={
            <>
              <div className="row wrap">
                <h1 className="grow truncate">{project ?? "All runs"}</h1>
                <ViewMenu project={project} search={search} set={set} view={view} />
                <Segments<Show>
                  label="What is on screen"
                  value={show}
                  onChange={(next) => change({ show: next })}
                  options={[
                    ["table", <Icon key="t" name="table" size={14} />, "Table"],
                    ["both", <Icon key="b" name="both" size={14} />, "Table and charts"],
                    ["charts", <Icon key="c" name="chart" size={14} />, "Charts"],
                  ]}
                />
              </div>
              {view.error && (
                <Notice tone="warn">
                  <p>The view of this link cannot be opened: {view.error.message}</p>
                  <div>
                    <button type="button" className="button" onClick={view.leave}>
                      Go on without it
                    </button>
                  </div>
                </Notice>
              )}
            </>
          }
          empty={<NoRuns />}
          unmatched={<NoMatch />}
        />
      )}
    </div>
  );
}
