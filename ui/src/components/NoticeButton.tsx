/** The bell: how many ends of runs are unread, and the list of them. */

import { lazy, Suspense } from "react";
import { Icon } from "./Icon";
import { useNotices } from "./notifications";

const NoticePopover = lazy(() => import("./NoticePopover"));

export function NoticeButton() {
  const unread = useNotices().filter((notice) => !notice.seen).length;
  const label = unread > 0 ? `What happened, ${unread} unread` : "What happened";
  const face = (
    <span className="bell">
      <Icon name="bell" />
      {unread > 0 && <span className="bell-count">{unread > 9 ? "9+" : unread}</span>}
    </span>
  );
  return (
    <Suspense
      fallback={
        <button type="button" className="button ghost icon" aria-label={label}>
          {face}
        </button>
      }
    >
      <NoticePopover label={label} face={face} />
    </Suspense>
  );
}
