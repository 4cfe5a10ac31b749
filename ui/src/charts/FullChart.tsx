/** One chart as large as the window. */

import { Dialog } from "~/components/Dialog";
import { type ChartPanelProps, PanelBody, panelTitle } from "./ChartPanel";

/** What stands over and under the plot in the dialog. */
const AROUND = 190;
const HEIGHT_MIN = 240;

export function FullChart(props: ChartPanelProps & { close: () => void }) {
  const { close, children: _, ...panel } = props;
  const height = Math.max(HEIGHT_MIN, window.innerHeight - AROUND);
  return (
    <Dialog title={panelTitle(panel.panel, panel.facts)} wide close={close}>
      <div className="chart full">
        <PanelBody {...panel} height={height} syncKey={`${panel.syncKey}:full`} full />
      </div>
      <div className="row end">
        <button type="button" className="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
