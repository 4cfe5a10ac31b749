/** A chart in words: last, least and greatest value of every run. */

import { Dialog } from "~/components/Dialog";
import { Swatch, TableWrap } from "~/components/parts";
import { formatCount, formatFixed, formatNumber } from "~/model/format";
import type { RawSeries } from "~/model/series";
import { extent } from "~/model/statistics";
import type { ChartRun } from "./runs";

function Row({ series, run }: { series: RawSeries; run: ChartRun | undefined }) {
  // Reduction keeps the first, the last and the extremes, so these are those of all points.
  const range = extent(series.values);
  return (
    <tr>
      <th scope="row">
        <Swatch color={run?.color ?? 0} /> {run?.name ?? series.run}
      </th>
      <td>{formatFixed(series.values.at(-1))}</td>
      <td>{formatNumber(series.steps.at(-1))}</td>
      <td>{formatFixed(range?.[0])}</td>
      <td>{formatFixed(range?.[1])}</td>
      <td>{formatCount(series.total)}</td>
    </tr>
  );
}

export function PanelTable(props: {
  title: string;
  series: readonly RawSeries[];
  runs: readonly ChartRun[];
  close: () => void;
}) {
  const { title, series, runs, close } = props;
  const byId = new Map(runs.map((run) => [run.id, run]));
  return (
    <Dialog title={`${title} in the range shown`} wide close={close}>
      <TableWrap label={`Values of ${title}`}>
        <table className="table chart-table">
          <thead>
            <tr>
              {["Run", "Last", "At step", "Least", "Greatest", "Points"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {series.map((one) => (
              <Row key={one.run} series={one} run={byId.get(one.run)} />
            ))}
          </tbody>
        </table>
      </TableWrap>
      <div className="row end">
        <button type="button" className="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
