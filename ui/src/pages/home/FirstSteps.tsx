/** What to do with an empty hub: three commands, and a few lines for a program of one's own. */

import { Command } from "~/components/Command";
import { Panel } from "~/components/parts";

const SNIPPET = `import mlhub

with mlhub.init(project="first", config={"lr": 0.1}) as run:
    for step in range(100):
        run.log({"train/loss": 1 / (step + 1)}, step=step)`;

export function FirstSteps() {
  return (
    <div className="columns halves">
      <Panel title="Start from a terminal">
        <div className="stack tight">
          <Command text="mlhub demo" what="trains and compares three models on a real data set" />
          <Command
            text="mlhub dataset add digits digits.csv"
            what="checks a data set and takes its fingerprint"
          />
          <Command text="mlhub run experiment.yaml" what="runs an experiment, one run per seed" />
        </div>
      </Panel>
      <Panel title="Or log from your own program">
        <div className="stack tight">
          <Command text={SNIPPET} what="Python; the run appears here while it goes on" />
        </div>
      </Panel>
    </div>
  );
}
