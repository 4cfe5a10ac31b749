/** Evaluations of several runs laid over each other: which splits and classes they share. */

import type { Calibration, Curve, Curves } from "./curves";

export interface OverlayRun {
  id: string;
  name: string;
  /** Index in the palette. */
  color: number;
}

export interface Evaluated {
  split: string;
  state: string;
}

/** The splits evaluated for at least one run, those of most runs first. */
export function sharedSplits(evaluations: readonly (readonly Evaluated[])[]): string[] {
  const runs = new Map<string, number>();
  for (const list of evaluations) {
    for (const split of new Set(list.filter((one) => one.state === "done").map((one) => one.split))) {
      runs.set(split, (runs.get(split) ?? 0) + 1);
    }
  }
  return [...runs].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([split]) => split);
}

export type OverlayKind = "roc" | "precision" | "calibration" | "confusion";

/** What at least one of the evaluations can show. */
export function overlayKinds(all: readonly Curves[]): OverlayKind[] {
  const has = {
    roc: all.some((curves) => curves.roc.length > 0),
    precision: all.some((curves) => curves.precisionRecall.length > 0),
    calibration: all.some((curves) => curves.calibration !== undefined),
    confusion: all.some((curves) => curves.confusion !== undefined),
  };
  return (["roc", "precision", "calibration", "confusion"] as const).filter((kind) => has[kind]);
}

/** The classes that have a curve in any of the evaluations, in their order. */
export function overlayLabels(all: readonly Curves[], kind: OverlayKind): string[] {
  if (kind !== "roc" && kind !== "precision") return [];
  return [...new Set(all.flatMap((curves) => curvesOf(curves, kind).map((curve) => curve.label)))];
}

export function curvesOf(curves: Curves, kind: "roc" | "precision"): readonly Curve[] {
  return kind === "roc" ? curves.roc : curves.precisionRecall;
}

/** Whether calibrations are of the same event, and so may share a chart. */
export function sameEvent(all: readonly Calibration[]): boolean {
  return new Set(all.map((one) => one.label)).size <= 1;
}
