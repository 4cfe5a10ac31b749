/** All metrics of the model as a grid of charts. */

import { isSystem } from "~/model/metrics";
import { MetricGrid } from "./MetricGrid";
import type { TabProps } from "./RunPage";

export default function ChartsTab({ run }: TabProps) {
  return (
    <MetricGrid
      run={run}
      include={(name) => !isSystem(name)}
      empty={
        'This run has logged no metric yet. A line such as {"step": 1, "metrics": {"loss": 0.5}} on its output is enough.'
      }
    />
  );
}
