/** What the faint dashed lines of a resumed run are. */

import { type Branch, branchText } from "~/model/attempts";
import { seriesColor, seriesDash } from "~/model/colors";
import type { ChartRun } from "../runs";
import { BRANCH_DASH } from "../useBranches";

function Sample({ color, dash, faint }: { color: string; dash: readonly number[]; faint?: boolean }) {
  return (
    <svg className="line-sample" viewBox="0 0 28 8" aria-hidden="true">
      <line
        x1={1}
        x2={27}
        y1={4}
        y2={4}
        stroke={color}
        strokeDasharray={dash.join(" ")}
        strokeOpacity={faint ? 0.6 : 1}
      />
    </svg>
  );
}

export function BranchLegend({ run, branches }: { run: ChartRun; branches: readonly Branch[] }) {
  const color = seriesColor(run.color);
  return (
    <ul className="branch-legend small" aria-label="Lines of the charts">
      <li>
        <Sample color={color} dash={seriesDash(run.color)} /> {run.name}
      </li>
      {branches.map((branch) => (
        <li key={branch.attempt} className="muted">
          <Sample color={color} dash={BRANCH_DASH} faint /> {branchText(branch)}
        </li>
      ))}
    </ul>
  );
}
