/** The compared runs in the analysis charts. */

import { useMemo, useState } from "react";
import type { RunSummary } from "~/api/types";
import { AnalysisPanel } from "~/charts/analysis/AnalysisPanel";
import { analysisData } from "~/model/analysisRows";
import type { AnalysisState } from "~/model/analysisState";

export default function CompareAnalysis(props: {
  runs: readonly RunSummary[];
  colors: ReadonlyMap<string, number>;
}) {
  const { rows, columns } = useMemo(() => analysisData(props.runs, props.colors), [props.runs, props.colors]);
  const [state, setState] = useState<AnalysisState>();
  return <AnalysisPanel rows={rows} columns={columns} state={state} onChange={setState} />;
}
