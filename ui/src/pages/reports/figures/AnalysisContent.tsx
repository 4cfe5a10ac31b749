/** An analysis with what a reader must know of its runs: which are gone, how many are left out. */

import { formatCount } from "~/model/format";
import type { JsonObject } from "~/model/json";
import type { analysisOf } from "../panelData";
import { AnalysisFigure } from "./AnalysisFigure";
import { Gone } from "./Gone";

export function AnalysisContent(props: { content: ReturnType<typeof analysisOf>; state: JsonObject }) {
  const { rows, columns, gone, left } = props.content;
  return (
    <>
      <Gone ids={gone} />
      {left > 0 && (
        <p className="report-gone small">
          The query finds {formatCount(rows.length + left)} runs; the first {formatCount(rows.length)} are
          drawn.
        </p>
      )}
      <AnalysisFigure rows={rows} columns={columns} state={props.state} />
    </>
  );
}
