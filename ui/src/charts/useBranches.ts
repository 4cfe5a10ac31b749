/** Adds the branches that resumes left behind to what a panel draws, when the reader asked for them. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { branchSeriesQuery } from "~/api/branches";
import { type Branch, branchPart, branchText } from "~/model/attempts";
import { PALETTE_SIZE } from "~/model/colors";
import type { Range } from "~/model/drawing";
import { evaluate, parse } from "~/model/expression";
import { asked, curvesOf, type RawSeries, smoothed } from "~/model/series";
import type { DrawnSettings, Panel } from "~/model/workspace";
import type { PlotData, PlotLine } from "./plot";
import type { ChartRun } from "./runs";

export const BRANCH_DASH: readonly number[] = [4, 3];
/** Parts of the axis that a reduced branch is drawn in. */
const PARTS = 500;

interface Request {
  panel: Panel;
  runs: readonly ChartRun[];
  branches: readonly Branch[] | undefined;
  settings: DrawnSettings;
  zoom: Range | undefined;
  data: PlotData;
}

/** What one branch has of the panel's metric or expression. */
function partsOf(panel: Panel, series: readonly RawSeries[], branch: Branch): RawSeries[] {
  const parts = series.map((one) => branchPart(one, branch)).filter((one) => one.steps.length > 0);
  if (panel.kind === "metric") return parts;
  const parsed = parse(panel.text);
  return parsed.ok ? [evaluate(parsed, panel.text, parts)].flatMap((one) => one ?? []) : [];
}

const NONE: readonly Branch[] = [];

function dataOf(answers: readonly { data: RawSeries[] | undefined }[]) {
  return answers.map((answer) => answer.data);
}

export function useBranches({ panel, runs, branches, settings, zoom, data }: Request): PlotData {
  const [run] = runs;
  const { axis, smoothing } = settings;
  const wanted = settings.superseded && runs.length === 1 ? (branches ?? NONE) : NONE;
  const metrics = useMemo(() => {
    if (panel.kind === "metric") return [panel.text];
    const parsed = parse(panel.text);
    return parsed.ok ? [...parsed.metrics].sort() : [];
  }, [panel]);
  const range = useMemo(() => zoom && asked(zoom), [zoom]);
  const answers = useQueries({
    queries: wanted.map(({ attempt }) =>
      branchSeriesQuery({ run: run?.id ?? "", attempt, metrics, axis, range }),
    ),
    combine: dataOf,
  });
  return useMemo(() => {
    if (!run || wanted.length === 0) return data;
    const found = wanted.flatMap((branch, i) =>
      partsOf(panel, answers[i] ?? [], branch).map((series) => ({ branch, series })),
    );
    const curves = curvesOf(
      found.map((one) => one.series),
      axis,
      PARTS,
    );
    const lines = found.map(
      ({ branch }): PlotLine => ({
        key: `${run.id} attempt ${branch.attempt}`,
        label: branchText(branch),
        color: `--series-${run.color % PALETTE_SIZE}`,
        dash: BRANCH_DASH,
        faint: true,
      }),
    );
    // Behind the line in force.
    return { curves: [...smoothed(curves, smoothing), ...data.curves], lines: [...lines, ...data.lines] };
  }, [run, wanted, panel, answers, axis, smoothing, data]);
}
