/** One line of the settings: what it is, what it does, and its control. */

import type { ReactNode } from "react";

export function Setting(props: { name: string; help?: ReactNode; children: ReactNode }) {
  return (
    <div className="setting">
      <div className="grow">
        <div className="strong">{props.name}</div>
        {props.help && <div className="muted small">{props.help}</div>}
      </div>
      <div className="setting-control">{props.children}</div>
    </div>
  );
}
