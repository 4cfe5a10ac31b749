/** What to do with an empty hub: what to type first, by what one has. */

import { Link } from "@tanstack/react-router";
import { Command } from "~/components/Command";
import { Panel } from "~/components/parts";

const SNIPPET = `import mlhub

run = mlhub.init("first")
for step in range(100):
    run.log({"loss": 1 / (step + 1)})
run.finish()`;

export function FirstSteps() {
  return (
    <>
      <p className="measure muted">
        Nothing is tracked yet. Begin with what you have; the first run appears here while it goes on.
      </p>
      <div className="first-steps">
        <Panel title="Nothing yet">
          <div className="stack tight">
            <Command text="mlhub demo" what="trains and compares three models on a real data set" />
          </div>
        </Panel>
        <Panel title="A data set">
          <div className="stack tight">
            <Command text="mlhub dataset add digits.csv" what="checks it and takes its fingerprint" />
            <Command
              text="mlhub run experiment.yaml"
              what="trains, evaluates and compares, one run per seed"
            />
            <Link className="link" to="/new">
              Or write the experiment in a form
            </Link>
          </div>
        </Panel>
        <Panel title="A program of your own">
          <div className="stack tight">
            <Command text={SNIPPET} what="a few lines of Python; nothing else changes" />
          </div>
        </Panel>
      </div>
      <p className="muted">
        <Link className="link" to="/help">
          Help
        </Link>{" "}
        has short answers to what comes next.
      </p>
    </>
  );
}
