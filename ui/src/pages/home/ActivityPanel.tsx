/** Per project: runs, last activity, and the last two weeks as bars. */

import { Link } from "@tanstack/react-router";
import type { ProjectView } from "~/api/types";
import { DayBars } from "~/components/DayBars";
import { useNow } from "~/components/hooks";
import { Panel, TableWrap } from "~/components/parts";
import { formatAge, formatCount, formatTime } from "~/model/format";
import { ACTIVITY_DAYS, useActivity } from "./useActivity";

const SHOWN_MAX = 10;

export function ActivityPanel({ projects }: { projects: readonly ProjectView[] }) {
  const activity = useActivity();
  const now = useNow(false);
  return (
    <Panel
      title="Projects"
      aside={
        <Link className="link" to="/projects">
          All {projects.length}
        </Link>
      }
      flush
    >
      <TableWrap label="Projects">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Project</th>
              <th scope="col">Last {ACTIVITY_DAYS} days</th>
              <th scope="col" className="num">
                Runs
              </th>
              <th scope="col" className="num">
                Last activity
              </th>
            </tr>
          </thead>
          <tbody>
            {projects.slice(0, SHOWN_MAX).map((project) => (
              <tr key={project.name}>
                <th scope="row">
                  <Link className="link" to="/p/$project" params={{ project: project.name }}>
                    {project.name}
                  </Link>
                </th>
                <td>
                  <DayBars days={activity.of(project.name)} most={activity.most} label={project.name} />
                </td>
                <td className="num">{formatCount(project.run_count)}</td>
                <td className="num" title={formatTime(project.last_activity_at)}>
                  {formatAge(project.last_activity_at, now)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
      {activity.cut !== undefined && (
        <p className="inside faint small">The bars count the newest {formatCount(activity.cut)} runs.</p>
      )}
    </Panel>
  );
}
