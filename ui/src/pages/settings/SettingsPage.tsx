/** Settings of this browser, and what the hub says of itself. Every change holds at once. */

import { AboutHub } from "./AboutHub";
import { LookSettings } from "./LookSettings";
import { NoticeSettings } from "./NoticeSettings";
import { ReadingSettings } from "./ReadingSettings";

export function SettingsPage() {
  return (
    <div className="page">
      <div className="page-head">
        <h1>Settings</h1>
        <p className="muted">They are kept in this browser and change nothing on the hub.</p>
      </div>
      <div className="page-body">
        <div className="settings">
          <LookSettings />
          <ReadingSettings />
          <NoticeSettings />
          <AboutHub />
        </div>
      </div>
    </div>
  );
}
