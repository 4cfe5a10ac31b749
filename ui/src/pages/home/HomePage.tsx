/** Home: what runs now, what failed and why, what is new, and how much went on in each project. */

import { useQuery } from "@tanstack/react-query";
import { projectsQuery } from "~/api/queries";
import { ErrorNotice, Loading } from "~/components/parts";
import { ActivityPanel } from "./ActivityPanel";
import { FailuresPanel } from "./FailuresPanel";
import { FirstSteps } from "./FirstSteps";
import { NewPanel } from "./NewPanel";
import { RunningPanel } from "./RunningPanel";

export function HomePage() {
  const projects = useQuery(projectsQuery());
  const empty = projects.data?.projects.every((project) => project.run_count === 0);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Home</h1>
      </div>
      <div className="page-body">
        {projects.isPending && <Loading lines={8} />}
        {projects.isError && <ErrorNotice error={projects.error} retry={() => void projects.refetch()} />}
        {empty && <FirstSteps />}
        {projects.data && !empty && (
          <>
            <RunningPanel />
            <div className="columns halves">
              <FailuresPanel />
              <NewPanel />
            </div>
            <ActivityPanel projects={projects.data.projects} />
          </>
        )}
      </div>
    </div>
  );
}
