/** What the eye might miss of a chart: reduced data, values that are no numbers, points outside. */

import { formatCount, plural } from "~/model/format";
import type { useChartData } from "./useChartData";

function Badge({ tone, title, text }: { tone: "outline" | "warn"; title: string; text: string }) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {text}
    </span>
  );
}

function reducedText(chart: ReturnType<typeof useChartData>, total: number): [string, string] {
  const points = `${formatCount(total)} points`;
  if (chart.means) {
    return [
      "reduced",
      `${points}: the mean is computed from a part of them. Drag over a range to see it in full.`,
    ];
  }
  return [
    "min–max",
    `${points}: the band shows the smallest and largest of each part, so no spike is lost. Drag over a range to see it in full.`,
  ];
}

export function ChartBadges(props: {
  chart: ReturnType<typeof useChartData>;
  /** Points outside of a clipped axis. */
  outside: number;
  /** Whether the y range was set by hand. */
  hand: boolean;
}) {
  const { chart, outside, hand } = props;
  const series = chart.series ?? [];
  const bad = series.reduce((sum, one) => sum + (one.non_finite ?? 0), 0);
  const total = series.reduce((sum, one) => sum + one.total, 0);
  const [text, title] = reducedText(chart, total);
  return (
    <>
      {series.some((one) => !one.exact) && <Badge tone="outline" text={text} title={title} />}
      {outside > 0 && !hand && (
        <Badge
          tone="warn"
          text={`${formatCount(outside)} outside`}
          title={`The axis is clipped to the 1st to 99th percentile: ${plural(outside, "point")} outside`}
        />
      )}
      {hand && (
        <Badge
          tone="outline"
          text="y set"
          title="The y range was set by hand; values may lie outside of it"
        />
      )}
      {chart.unseen > 0 && (
        <Badge
          tone="warn"
          text={`${formatCount(chart.unseen)} not on log`}
          title={`${plural(chart.unseen, "point")} at or below 0 cannot be shown on a logarithmic axis`}
        />
      )}
      {bad > 0 && (
        <Badge
          tone="warn"
          text={plural(bad, "non-finite", "non-finite")}
          title="NaN is marked at the bottom edge by a triangle, infinities at the edge they go past by an arrow"
        />
      )}
    </>
  );
}
