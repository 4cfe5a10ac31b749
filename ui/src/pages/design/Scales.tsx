/** The scales of type, space, corners, motion and layers, with the values in use. */

import { Facts } from "~/components/parts";
import { useToken } from "./useToken";

const TYPE = ["text-2xl", "text-xl", "text-lg", "text-md", "text-sm", "text-xs"];
const SPACE = ["space-1", "space-2", "space-3", "space-4", "space-5", "space-6"];
const CORNERS = ["radius-sm", "radius", "radius-lg"];
const OTHER = [
  "row",
  "control",
  "cell",
  "nav",
  "motion-fast",
  "motion",
  "motion-slow",
  "z-sticky",
  "z-popover",
  "z-dialog",
  "z-toast",
  "z-skip",
];

export function Scales() {
  const token = useToken();
  return (
    <div className="columns">
      <ul className="stack tight">
        {TYPE.map((name) => (
          <li key={name} className="row">
            <span className="grow truncate" style={{ fontSize: `var(--${name})` }}>
              Validation loss 0.0417
            </span>
            <code className="faint">
              {name} {token(name)}
            </code>
          </li>
        ))}
      </ul>
      <div className="stack">
        <ul className="stack tight">
          {SPACE.map((name) => (
            <li key={name} className="row">
              <span className="space-bar" style={{ width: `var(--${name})` }} />
              <code className="faint">
                {name} {token(name)}
              </code>
            </li>
          ))}
        </ul>
        <ul className="row wrap">
          {CORNERS.map((name) => (
            <li key={name} className="corner" style={{ borderRadius: `var(--${name})` }}>
              <code className="faint">{name}</code>
            </li>
          ))}
        </ul>
      </div>
      <Facts items={OTHER.map((name) => [name, <code key={name}>{token(name)}</code>] as const)} />
    </div>
  );
}
