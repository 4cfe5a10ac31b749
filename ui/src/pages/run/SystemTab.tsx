/** What the machine did during the run: processor, memory, disk, network, GPUs. */

import { isSystem } from "~/model/metrics";
import { MetricGrid } from "./MetricGrid";
import type { TabProps } from "./RunPage";

export default function SystemTab({ run }: TabProps) {
  return (
    <MetricGrid
      run={run}
      name="system"
      include={isSystem}
      axis="relative"
      empty="No system metrics yet. The supervisor samples them every few seconds, so very short runs may have none."
    />
  );
}
