/** Charts of one run; how they are arranged is kept in this browser, for all runs. */

import { useMemo } from "react";
import type { RunDetail } from "~/api/types";
import { ChartWorkspace } from "~/charts/workspace/ChartWorkspace";
import { useKeptLayout } from "~/charts/workspace/useKeptLayout";
import { colorIndex } from "~/model/colors";
import type { XAxis } from "~/model/series";
import { useRunBranches } from "./useRunBranches";

export function MetricGrid(props: {
  run: RunDetail;
  /** Under which name the layout is kept. */
  name: string;
  include: (name: string) => boolean;
  axis?: XAxis;
  empty: string;
}) {
  const { run, name, include, empty, axis } = props;
  const [layout, setLayout] = useKeptLayout(name);
  const branches = useRunBranches(run);
  const runs = useMemo(() => [{ id: run.id, name: run.name, color: colorIndex(run.id) }], [run.id, run.name]);
  return (
    <ChartWorkspace
      runs={runs}
      layout={layout}
      onLayout={setLayout}
      include={include}
      branches={branches}
      empty={empty}
      {...(axis && { axis })}
    />
  );
}
