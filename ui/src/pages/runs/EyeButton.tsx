/** Whether the charts draw a run or a group. */

import { Icon } from "~/components/Icon";

export function EyeButton(props: { name: string; open: boolean; change: (open: boolean) => void }) {
  const { name, open, change } = props;
  return (
    <button
      type="button"
      className={`eye ${open ? "open" : ""}`}
      aria-pressed={open}
      aria-label={`Chart ${name}`}
      title={open ? "Shown in the charts: press to hide" : "Not in the charts: press to show"}
      onClick={() => change(!open)}
    >
      <Icon name={open ? "eye" : "eyeOff"} size={14} />
    </button>
  );
}
