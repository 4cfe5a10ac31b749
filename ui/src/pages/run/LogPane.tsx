/** One stream: its lines, search through all of it, and going anywhere in it. */

import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useCallback, useState } from "react";
import type { LogMatch, LogPlace } from "~/api/runPage";
import type { RunDetail } from "~/api/types";
import { ErrorNotice, Loading } from "~/components/parts";
import { isActive } from "~/model/states";
import { LogFoot } from "./LogFoot";
import { LogLines } from "./LogLines";
import { LogSearchBox } from "./LogSearchBox";
import { type LogTarget, useLog } from "./useLog";
import { useLogSearch } from "./useLogSearch";

const route = getRouteApi("/runs/$id");

/** The place of the stream that the address holds. */
function usePlace(place: LogPlace) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { attempt, stream } = place;
  const find = search.find ?? "";
  const set = useCallback(
    (next: { at?: number | undefined; find: string }) =>
      void navigate({
        search: {
          tab: "logs",
          attempt,
          stream,
          ...(next.at !== undefined && { at: next.at }),
          ...(next.find !== "" && { find: next.find }),
        },
        replace: true,
      }),
    [navigate, attempt, stream],
  );
  return { at: search.at, find, set };
}

export function LogPane(props: { run: RunDetail; place: LogPlace; size: number; children: ReactNode }) {
  const { run, place } = props;
  const { at, find, set } = usePlace(place);
  const [began] = useState(at);
  const log = useLog(place, began === undefined ? { kind: "end" } : { kind: "offset", offset: began });
  const [follow, setFollow] = useState(isActive(run.state) && began === undefined);
  const [wrap, setWrap] = useState(false);
  const [position, setPosition] = useState(0);
  const size = Math.max(props.size, log.window?.size ?? 0);
  const { go } = log;
  const found = useCallback(
    (match: LogMatch) => {
      setFollow(false);
      go({ kind: "offset", offset: match.line_start });
      set({ at: match.line_start, find });
    },
    [go, set, find],
  );
  const search = useLogSearch(place, find, began, found);
  const goTo = (target: LogTarget) => {
    setFollow(false);
    go(target);
  };
  const followed = (next: boolean) => {
    setFollow(next);
    if (next) go({ kind: "end" });
  };
  const href = (offset: number) =>
    `/runs/${run.id}?${new URLSearchParams({ tab: "logs", attempt: String(place.attempt), stream: place.stream, at: String(offset) })}`;
  return (
    <>
      <div className="toolbar">
        {props.children}
        <LogSearchBox
          find={find}
          search={search}
          onFind={(text) => set({ at: text === "" ? at : undefined, find: text })}
        />
        <span className="grow" />
        <button
          type="button"
          className="button"
          aria-pressed={wrap}
          onClick={() => setWrap((before) => !before)}
        >
          Wrap
        </button>
        <button type="button" className="button" aria-pressed={follow} onClick={() => followed(!follow)}>
          Follow
        </button>
      </div>
      {log.error && <ErrorNotice error={log.error} retry={() => go({ kind: "offset", offset: position })} />}
      {log.window ? (
        <LogLines
          window={log.window}
          size={size}
          target={log.target}
          follow={follow}
          wrap={wrap}
          find={find}
          current={at}
          lineHref={href}
          choose={(offset) => set({ at: offset, find })}
          leaveEnd={() => setFollow(false)}
          go={goTo}
          loadOlder={log.loadOlder}
          loadNewer={log.loadNewer}
          onPosition={setPosition}
        />
      ) : (
        !log.error && <Loading lines={8} />
      )}
      <LogFoot run={run} place={place} position={position} size={size} go={goTo} />
    </>
  );
}
