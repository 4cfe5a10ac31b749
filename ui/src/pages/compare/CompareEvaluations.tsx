/** The evaluations of the compared runs over each other. */

import { useMemo } from "react";
import type { RunSummary } from "~/api/types";
import { EvaluationOverlay } from "~/charts/analysis/EvaluationOverlay";
import { Panel } from "~/components/parts";

export default function CompareEvaluations(props: {
  runs: readonly RunSummary[];
  colors: ReadonlyMap<string, number>;
}) {
  const { runs, colors } = props;
  const evaluated = useMemo(
    () => runs.map((run) => ({ id: run.id, name: run.name, color: colors.get(run.id) ?? 0 })),
    [runs, colors],
  );
  return (
    <Panel title="Evaluations">
      <EvaluationOverlay runs={evaluated} />
    </Panel>
  );
}
