/** Every part the pages are made of, in the states it can have. */

import { useState } from "react";
import { Dialog } from "~/components/Dialog";
import { Icon } from "~/components/Icon";
import { Interval } from "~/components/Interval";
import { ActionMenu } from "~/components/Menu";
import { Popover } from "~/components/Popover";
import { Copy, Empty, Facts, Loading, Notice, Segments, Stat, StateBadge } from "~/components/parts";
import { TipButton } from "~/components/Tooltip";
import { showToast } from "~/components/toasts";
import { RUN_STATES } from "~/model/states";

function Buttons() {
  return (
    <div className="row wrap">
      <button type="button" className="button primary">
        Primary
      </button>
      <button type="button" className="button">
        Usual
      </button>
      <button type="button" className="button ghost">
        Ghost
      </button>
      <button type="button" className="button danger">
        Danger
      </button>
      <button type="button" className="button primary danger">
        Purge
      </button>
      <button type="button" className="button" aria-pressed="true">
        Pressed
      </button>
      <button type="button" className="button" disabled>
        Disabled
      </button>
      <input className="input" placeholder="A field" aria-label="A field" />
      <select className="select" aria-label="A choice">
        <option>A choice</option>
      </select>
    </div>
  );
}

function Overlays() {
  const [open, setOpen] = useState(false);
  return (
    <div className="row wrap">
      <button type="button" className="button" onClick={() => setOpen(true)}>
        Dialog
      </button>
      <Popover label="A panel" button="Panel">
        {(close) => (
          <>
            <p>A panel holds a few choices.</p>
            <button type="button" className="button" onClick={close}>
              Done
            </button>
          </>
        )}
      </Popover>
      <ActionMenu
        label="Menu"
        button="Menu"
        actions={[
          { id: "one", label: "Say something", run: () => showToast({ text: "Something", tone: "good" }) },
          { id: "two", label: "Cannot be chosen", disabled: true, run: () => undefined },
          {
            id: "three",
            label: "Warn",
            danger: true,
            run: () => showToast({ text: "A warning", tone: "bad" }),
          },
        ]}
      />
      <TipButton label="Tooltip" tip="A short text at a button" onPress={() => undefined}>
        <Icon name="help" />
      </TipButton>
      {open && (
        <Dialog title="A dialog" close={() => setOpen(false)}>
          <p>The focus stays here. Escape closes it and gives the focus back.</p>
          <div className="row end">
            <button type="button" className="button" onClick={() => setOpen(false)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

export function PartStates() {
  const [chosen, setChosen] = useState<"one" | "two">("one");
  return (
    <div className="stack">
      <Buttons />
      <Overlays />
      <div className="row wrap">
        {RUN_STATES.map((state) => (
          <StateBadge key={state} state={state} />
        ))}
        <StateBadge state="running" stopping />
        <span className="badge accent">accent</span>
        <span className="badge outline">outline</span>
        <Segments
          label="Segments"
          value={chosen}
          onChange={setChosen}
          options={[
            ["one", "One"],
            ["two", "Two"],
          ]}
        />
      </div>
      <div className="columns">
        <Notice>A notice.</Notice>
        <Notice tone="warn">Something to know before going on.</Notice>
        <Notice tone="bad">Something that failed, and what to do.</Notice>
      </div>
      <div className="columns">
        <div className="stats">
          <Stat label="test/accuracy" value="0.9666" />
          <Stat label="test/log_loss" value="0.1803" />
        </div>
        <Facts
          items={[
            ["Copied by a press", <Copy key="c" value="v1:5d85b6e831f46e3d" short="5d85b6e8" />],
            ["Interval", <Interval key="i" value={0.6} low={0.4} high={0.85} domain={[0, 1]} />],
          ]}
        />
        <Loading lines={3} />
      </div>
      <Empty title="An empty place" commands={[["mlhub demo", "what to type, and what it does"]]}>
        <p>It says what will be here and how it comes to be.</p>
      </Empty>
    </div>
  );
}
