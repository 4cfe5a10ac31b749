/** All metrics of the model as a grid of charts. */

import { isSystem } from "~/model/metrics";
import { MetricGrid } from "./MetricGrid";
import type { TabProps } from "./RunPage";

const isOfModel = (name: string) => !isSystem(name);

export default function ChartsTab({ run }: TabProps) {
  return (
    <MetricGrid
      run={run}
      name="run"
      include={isOfModel}
      empty={
        'This run has logged no metric yet. A line such as {"step": 1, "metrics": {"loss": 0.5}} on its output is enough.'
      }
    />
  );
}
