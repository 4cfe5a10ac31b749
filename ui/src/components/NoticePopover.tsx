/** The list of what happened to the reader's runs, newest first. */

import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { formatAge, formatTime } from "~/model/format";
import { useNow } from "./hooks";
import { clearNotices, markNoticesSeen, useNotices } from "./notifications";
import { Popover } from "./Popover";
import { StateBadge } from "./parts";

function List({ close }: { close: () => void }) {
  const notices = useNotices();
  const now = useNow(false);
  useEffect(() => () => markNoticesSeen(), []);
  if (notices.length === 0) {
    return (
      <p className="muted small">
        Nothing yet. When a run of yours, or one you watch, ends while a page of the hub is open, it is told
        here.
      </p>
    );
  }
  return (
    <ul className="notices">
      {notices.map((notice) => (
        <li key={notice.key} className={notice.seen ? "" : "unread"}>
          <div className="row">
            <StateBadge state={notice.state} />
            <Link className="truncate grow" to="/runs/$id" params={{ id: notice.run }} onClick={close}>
              {notice.name}
            </Link>
            <span className="faint small nowrap" title={formatTime(notice.at)}>
              {formatAge(notice.at, now)}
            </span>
          </div>
          {notice.reason && <p className="muted small truncate">{notice.reason}</p>}
        </li>
      ))}
    </ul>
  );
}

export default function NoticePopover({ label, face }: { label: string; face: ReactNode }) {
  const any = useNotices().length > 0;
  return (
    <Popover label="What happened" button={face} buttonLabel={label} className="button ghost icon">
      {(close) => (
        <>
          <h2>What happened</h2>
          <List close={close} />
          <div className="row end">
            <Link className="button" to="/settings" hash="notifications" onClick={close}>
              Settings
            </Link>
            {any && (
              <button type="button" className="button" onClick={clearNotices}>
                Clear
              </button>
            )}
          </div>
        </>
      )}
    </Popover>
  );
}
