/** Whose runs are told when they end, and whether the browser tells it outside the page. */

import { useState } from "react";
import { askBrowser, browserPermission } from "~/components/notifications";
import { Panel, Segments } from "~/components/parts";
import { changeSettings, useSettings } from "~/components/settings";
import type { NoticeScope } from "~/model/settings";
import { Setting } from "./Setting";
import { Toggle } from "./Toggle";

const PERMISSION: Record<ReturnType<typeof browserPermission>, string> = {
  default: "The browser asks once. Works while a tab of the hub is open; nothing is sent by anybody else.",
  granted: "Works while a tab of the hub is open; the page itself tells it when it is in front.",
  denied: "The browser refuses messages of this page. Allow them beside its address, then switch this on.",
  missing: "This browser has no messages, or the page is not served over HTTPS or from this machine.",
};

export function NoticeSettings() {
  const { browserNotices, noticeScope } = useSettings();
  const [permission, setPermission] = useState(browserPermission);
  const change = async (on: boolean) => {
    const allowed = on && (await askBrowser());
    setPermission(browserPermission());
    changeSettings({ browserNotices: allowed });
  };
  return (
    <div id="notifications">
      <Panel title="When a run ends" flush>
        <Setting
          name="Tell of"
          help="A run is watched from its page, by the command palette. What was told stays in the list of the bell."
        >
          <Segments<NoticeScope>
            label="Tell of"
            value={noticeScope}
            onChange={(next) => changeSettings({ noticeScope: next })}
            options={[
              ["watched", "Watched"],
              ["mine", "Mine"],
              ["all", "All runs"],
            ]}
          />
        </Setting>
        <Setting name="Messages of the browser" help={PERMISSION[permission]}>
          <Toggle
            label="Messages of the browser"
            on={browserNotices && permission === "granted"}
            change={(on) => void change(on)}
          />
        </Setting>
      </Panel>
    </div>
  );
}
