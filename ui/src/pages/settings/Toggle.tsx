/** A switch with a name for screen readers; its state is a word too, not only a colour. */

import { Switch } from "react-aria-components/Switch";

export function Toggle(props: { label: string; on: boolean; change: (on: boolean) => void }) {
  return (
    <Switch className="switch" aria-label={props.label} isSelected={props.on} onChange={props.change}>
      <span className="switch-track" aria-hidden="true" />
      <span className="muted small">{props.on ? "On" : "Off"}</span>
    </Switch>
  );
}
