/** The design system as it is: tokens with their measured contrast, the looks of runs, parts in their states. */

import { Panel } from "~/components/parts";
import { ColorTokens } from "./ColorTokens";
import { PartStates } from "./PartStates";
import { RunLooks } from "./RunLooks";
import { Scales } from "./Scales";

export function DesignPage() {
  return (
    <div className="page">
      <div className="page-head">
        <h1>Design system</h1>
        <p className="muted measure">
          Everything is drawn with these values and parts. The figures are computed here from the values in
          use, so that they change with the colour scheme.
        </p>
      </div>
      <div className="page-body">
        <Panel title="Colours and their contrast">
          <ColorTokens />
        </Panel>
        <Panel title="Looks of runs">
          <RunLooks />
        </Panel>
        <Panel title="Type, space, corners, motion, layers">
          <Scales />
        </Panel>
        <Panel title="Parts and their states">
          <PartStates />
        </Panel>
      </div>
    </div>
  );
}
