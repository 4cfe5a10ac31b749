/** The compared runs in the analysis charts; what is chosen there is in the address, and goes into reports. */

import { useMemo } from "react";
import { AnalysisPanel } from "~/charts/analysis/AnalysisPanel";
import { useRested } from "~/components/useRested";
import { analysisData } from "~/model/analysisRows";
import { keptAnalysis } from "~/model/compare";
import type { JsonObject } from "~/model/json";
import { AddPanel } from "./AddPanel";
import type { PartProps } from "./useCompare";

export default function CompareAnalysis({ comparison, colors, search, change }: PartProps) {
  const { runs } = comparison;
  const { rows, columns } = useMemo(() => analysisData(runs, colors), [runs, colors]);
  const [state, setState] = useRested<JsonObject | undefined>(search.analysis, (next) => {
    const analysis = keptAnalysis(next);
    // What is too long for a link stays in the page.
    if (analysis) change((before) => ({ ...before, analysis }));
  });
  return (
    <div className="stack">
      <div className="row end">
        <AddPanel
          panel={() => ({
            kind: "analysis",
            source: "runs",
            runs: runs.map((run) => run.id),
            query: "",
            state: state ?? {},
          })}
        />
      </div>
      <AnalysisPanel
        rows={rows}
        columns={columns}
        state={state}
        onChange={(next) => setState(next as unknown as JsonObject)}
      />
    </div>
  );
}
