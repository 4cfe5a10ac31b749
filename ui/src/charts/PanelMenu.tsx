/** What can be done with one panel: size, y range, exports, its values as a table. */

import { useState } from "react";
import { Icon, type IconName } from "~/components/Icon";
import { Popover } from "~/components/Popover";
import type { RawSeries } from "~/model/series";
import type { Panel, PanelLayout } from "~/model/workspace";
import { type Exported, saveHistory, savePng, savePoints, saveSvg } from "./exports";
import { PanelTable } from "./PanelTable";
import type { ChartRun } from "./runs";
import { YRange } from "./YRange";

/** What the workspace around a panel does for it; absent: it cannot. */
export interface PanelActions {
  pinned: (panel: Panel) => boolean;
  pin: (panel: Panel) => void;
  remove: (panel: Panel) => void;
  resize: (panel: Panel, layout: PanelLayout) => void;
}

interface Props {
  panel: Panel;
  title: string;
  layout: PanelLayout;
  actions: PanelActions;
  exported: () => Exported | undefined;
  series: readonly RawSeries[];
  runs: readonly ChartRun[];
  openFull?: () => void;
}

function Item(props: { icon: IconName; text: string; onPress: () => void }) {
  return (
    <button type="button" className="menu-item" onClick={props.onPress}>
      <Icon name={props.icon} size={14} /> {props.text}
    </button>
  );
}

export function PanelMenu(props: Props) {
  const [table, setTable] = useState(false);
  const [failed, setFailed] = useState<string>();
  return (
    <>
      <div className="panel-menu">
        <Popover
          label={`Options of ${props.title}`}
          button={
            <>
              <Icon name="more" size={14} />
              <span className="visually-hidden">Options of {props.title}</span>
            </>
          }
        >
          {(close) => (
            <Items
              {...props}
              close={close}
              showTable={() => {
                close();
                setTable(true);
              }}
              fail={setFailed}
            />
          )}
        </Popover>
      </div>
      {failed && (
        <span className="badge bad" role="alert" title={failed}>
          not saved
        </span>
      )}
      {table && (
        <PanelTable
          title={props.title}
          series={props.series}
          runs={props.runs}
          close={() => setTable(false)}
        />
      )}
    </>
  );
}

type ItemsProps = Props & {
  close: () => void;
  showTable: () => void;
  fail: (message: string | undefined) => void;
};

function Items(props: ItemsProps) {
  const { panel, actions, layout, close } = props;
  const done = (action: () => void) => () => {
    close();
    action();
  };
  const withPlot = (save: (exported: Exported) => void) =>
    done(() => {
      const exported = props.exported();
      if (exported) save(exported);
    });
  const saveCsv = done(() => {
    props.fail(undefined);
    if (panel.kind === "expression") savePoints(panel.text, props.series);
    else {
      saveHistory(
        panel.text,
        props.runs.map((run) => run.id),
      ).catch((error: unknown) => props.fail(error instanceof Error ? error.message : String(error)));
    }
  });
  const pinned = actions.pinned(panel);
  return (
    <>
      <Item icon="pin" text={pinned ? "Unpin" : "Pin on top"} onPress={done(() => actions.pin(panel))} />
      {props.openFull && <Item icon="expand" text="Full screen" onPress={done(props.openFull)} />}
      <Item icon="table" text="Values as a table" onPress={props.showTable} />
      <hr />
      <YRange layout={layout} onChange={(next) => actions.resize(panel, next)} />
      <hr />
      <Item icon="download" text="Save as PNG" onPress={withPlot(savePng)} />
      <Item icon="download" text="Save as SVG" onPress={withPlot(saveSvg)} />
      <Item
        icon="download"
        text={panel.kind === "metric" ? "Save all points as CSV" : "Save computed points as CSV"}
        onPress={saveCsv}
      />
      <hr />
      <Item
        icon="close"
        text={panel.kind === "metric" ? "Hide this chart" : "Remove this chart"}
        onPress={done(() => actions.remove(panel))}
      />
    </>
  );
}
