/** All projects as cards: runs, states, last activity, and a description that can be edited. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "~/api/client";
import { keys, projectsQuery } from "~/api/queries";
import type { ProjectView } from "~/api/types";
import { DayBars } from "~/components/DayBars";
import { Description } from "~/components/Description";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import { formatAge, formatTime, plural } from "~/model/format";
import { fuzzyFind } from "~/model/fuzzy";
import { ACTIVITY_DAYS, type Activity, useActivity } from "../home/useActivity";

const DESCRIPTION_MAX = 2_000;

type Order = "activity" | "name" | "runs";

const ORDERS: readonly [Order, string][] = [
  ["activity", "Last activity"],
  ["name", "Name"],
  ["runs", "Runs"],
];

function ordered(projects: readonly ProjectView[], order: Order): ProjectView[] {
  const last = (one: ProjectView) => one.last_activity_at ?? one.created_at;
  return [...projects].sort((a, b) => {
    if (order === "name") return a.name.localeCompare(b.name);
    return order === "runs" ? b.run_count - a.run_count : last(b) - last(a);
  });
}

function Card({ project, activity, now }: { project: ProjectView; activity: Activity; now: number }) {
  const queries = useQueryClient();
  const describe = async (text: string) => {
    await client.projectDescribe(project.name, text);
    await queries.invalidateQueries({ queryKey: keys.projects });
  };
  return (
    <article className="panel card" aria-label={project.name}>
      <div className="row">
        <h2 className="truncate grow">
          <Link to="/p/$project" params={{ project: project.name }}>
            {project.name}
          </Link>
        </h2>
        <span className="muted small nowrap">{plural(project.run_count, "run")}</span>
      </div>
      <Description text={project.description} of={project.name} most={DESCRIPTION_MAX} save={describe} />
      <DayBars days={activity.of(project.name)} most={activity.most} label={project.name} />
      <div className="row small faint">
        <span className="grow" title={formatTime(project.last_activity_at)}>
          {project.last_activity_at
            ? `active ${formatAge(project.last_activity_at, now)} ago`
            : "no activity yet"}
        </span>
        <span title={formatTime(project.created_at)}>made {formatAge(project.created_at, now)} ago</span>
      </div>
    </article>
  );
}

export function ProjectsPage() {
  const query = useQuery(projectsQuery());
  const activity = useActivity();
  const now = useNow(false);
  const [filter, setFilter] = useState("");
  const [order, setOrder] = useState<Order>("activity");
  const all = query.data?.projects ?? [];
  const sorted = ordered(all, order);
  const shown = filter === "" ? sorted : fuzzyFind(filter, sorted, (one) => `${one.name} ${one.description}`);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Projects</h1>
        {all.length > 0 && (
          <div className="toolbar">
            <input
              data-search
              type="search"
              className="input search"
              placeholder="Find a project  ( / )"
              aria-label="Find a project"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
            <select
              className="select"
              aria-label="Order"
              value={order}
              onChange={(event) => setOrder(event.target.value as Order)}
            >
              {ORDERS.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
            <span className="faint small">bars: runs a day, last {ACTIVITY_DAYS} days</span>
          </div>
        )}
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && all.length === 0 && (
          <Empty
            title="No projects yet"
            commands={[
              ["mlhub demo", "makes the project digits with three models on a real data set"],
              ["mlhub run experiment.yaml", "makes the project that its file names"],
            ]}
          >
            <p>A project comes to be with its first run.</p>
          </Empty>
        )}
        {all.length > 0 && shown.length === 0 && <Empty title="No project has these letters" />}
        <div className="cards">
          {shown.map((project) => (
            <Card key={project.name} project={project} activity={activity} now={now} />
          ))}
        </div>
      </div>
    </div>
  );
}
