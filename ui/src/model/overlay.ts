/** Evaluations of several runs on top of each other: which splits, charts and classes they share. */

import type { Calibration, Confusion, Curve, Curves } from "./curves";
import { EVALUATION_CHARTS, type EvaluationChart } from "./report";

export interface EvaluatedRun {
  id: string;
  name: string;
  color: number;
  /** Undefined: the run has no finished evaluation of the split. */
  curves: Curves | undefined;
}

/** Splits by how many of the runs were evaluated on them, the most first. */
export function splitsOf(lists: readonly (readonly { split: string; state: string }[])[]): string[] {
  const counts = new Map<string, number>();
  for (const list of lists) {
    for (const split of new Set(list.filter((one) => one.state === "done").map((one) => one.split))) {
      counts.set(split, (counts.get(split) ?? 0) + 1);
    }
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([split]) => split);
}

function curvesOf(curves: Curves | undefined, chart: EvaluationChart): readonly Curve[] {
  if (!curves) return [];
  return chart === "roc" ? curves.roc : chart === "precision_recall" ? curves.precisionRecall : [];
}

function has(curves: Curves | undefined, chart: EvaluationChart): boolean {
  if (chart === "calibration") return curves?.calibration !== undefined;
  if (chart === "confusion") return curves?.confusion !== undefined;
  return curvesOf(curves, chart).length > 0;
}

/** Charts at least one of the runs has. */
export function chartsOf(runs: readonly EvaluatedRun[]): EvaluationChart[] {
  return EVALUATION_CHARTS.filter((chart) => runs.some((run) => has(run.curves, chart)));
}

/** Classes of a chart's curves over all runs, in the order they first appear. */
export function labelsOf(runs: readonly EvaluatedRun[], chart: EvaluationChart): string[] {
  return [...new Set(runs.flatMap((run) => curvesOf(run.curves, chart).map((curve) => curve.label)))];
}

export interface Overlaid<T> {
  id: string;
  name: string;
  color: number;
  what: T;
}

function pick<T>(runs: readonly EvaluatedRun[], of: (curves: Curves) => T | undefined): Overlaid<T>[] {
  return runs.flatMap(({ id, name, color, curves }) => {
    const what = curves && of(curves);
    return what === undefined ? [] : [{ id, name, color, what }];
  });
}

/** The curve of one class, run by run. */
export function overlaid(
  runs: readonly EvaluatedRun[],
  chart: EvaluationChart,
  label: string,
): Overlaid<Curve>[] {
  return pick(runs, (curves) => curvesOf(curves, chart).find((curve) => curve.label === label));
}

export function calibrations(runs: readonly EvaluatedRun[]): Overlaid<Calibration>[] {
  return pick(runs, (curves) => curves.calibration);
}

export function confusions(runs: readonly EvaluatedRun[]): Overlaid<Confusion>[] {
  return pick(runs, (curves) => curves.confusion);
}

/** Runs without the chart, to be told by name. */
export function without(runs: readonly EvaluatedRun[], chart: EvaluationChart): string[] {
  return runs.filter((run) => !has(run.curves, chart)).map((run) => run.name);
}

const CHART_NAMES: Record<EvaluationChart, string> = {
  roc: "ROC",
  precision_recall: "Precision and recall",
  calibration: "Calibration",
  confusion: "Confusion",
};

export function evaluationChartName(chart: EvaluationChart): string {
  return CHART_NAMES[chart];
}

/** Whether calibrations are of the same event, and so may share a chart. */
export function sameEvent(all: readonly Calibration[]): boolean {
  return new Set(all.map((one) => one.label)).size <= 1;
}
