/** Home: the runs of all projects or of one. */

import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import { Empty } from "~/components/parts";
import type { RunsSearch } from "~/model/search";
import { RunsView } from "./RunsView";

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

function RunsPage({ project, search }: { project: string | undefined; search: RunsSearch }) {
  const navigate = useNavigate();
  const change = useCallback(
    (next: Partial<RunsSearch>) => {
      const merge = (before: RunsSearch) => ({ ...before, ...next });
      void (project === undefined
        ? navigate({ to: "/", search: merge, replace: true })
        : navigate({ to: "/p/$project", params: { project }, search: merge, replace: true }));
    },
    [navigate, project],
  );
  return (
    <div className="page fixed">
      <RunsView
        project={{ name: project }}
        search={search}
        change={change}
        deleted={false}
        head={<h1>{project ?? "All runs"}</h1>}
        empty={<NoRuns />}
        unmatched={<NoMatch />}
      />
    </div>
  );
}
