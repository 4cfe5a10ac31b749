/** Output of the program: streams, search, following. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { logsQuery } from "~/api/queries";
import type { LogView } from "~/api/types";
import { Empty, ErrorNotice, Loading, Segments } from "~/components/parts";
import { plainText } from "~/model/ansi";
import { formatBytes, formatCount } from "~/model/format";
import { windowLines } from "~/model/logs";
import { isActive } from "~/model/states";
import { LogLines } from "./LogLines";
import type { TabProps } from "./RunPage";
import { useLog } from "./useLog";

export default function LogsTab({ run }: TabProps) {
  const query = useQuery(logsQuery(run.id));
  if (query.isPending) return <Loading lines={8} />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.data.logs.length === 0) {
    return (
      <Empty title="No output yet">
        <p>What the program prints is kept byte for byte and appears here while it runs.</p>
      </Empty>
    );
  }
  return <Logs run={run} logs={query.data.logs} />;
}

function matches(lines: readonly string[], needle: string): number[] {
  if (needle === "") return [];
  const lower = needle.toLowerCase();
  return lines.flatMap((line, i) => (plainText(line).toLowerCase().includes(lower) ? [i] : []));
}

function Logs({ run, logs }: TabProps & { logs: readonly LogView[] }) {
  const attempts = [...new Set(logs.map((log) => log.attempt))].sort((a, b) => b - a);
  const [attempt, setAttempt] = useState(attempts[0] ?? 1);
  const streams = logs.filter((log) => log.attempt === attempt);
  const preferred =
    streams.find((log) => log.stream === "stdout" && log.size > 0) ?? streams.find((log) => log.size > 0);
  const [stream, setStream] = useState(preferred?.stream ?? "stdout");
  const [follow, setFollow] = useState(isActive(run.state));
  const [search, setSearch] = useState("");
  const [current, setCurrent] = useState(0);
  const { window, error, loadOlder } = useLog(run.id, attempt, stream);
  const lines = useMemo(() => (window ? windowLines(window) : []), [window]);
  const found = useMemo(() => matches(lines, search), [lines, search]);
  const step = (by: number) => {
    setFollow(false);
    setCurrent((before) => (found.length === 0 ? 0 : (before + by + found.length) % found.length));
  };
  return (
    <>
      <div className="toolbar">
        <Segments
          label="Stream"
          value={stream}
          onChange={setStream}
          options={streams.map((log) => [log.stream, `${log.stream} ${formatBytes(log.size)}`])}
        />
        {attempts.length > 1 && (
          <select
            className="select"
            aria-label="Attempt"
            value={attempt}
            onChange={(event) => setAttempt(Number(event.target.value))}
          >
            {attempts.map((number) => (
              <option key={number} value={number}>
                attempt {number}
              </option>
            ))}
          </select>
        )}
        <input
          data-search
          type="search"
          className="input search"
          placeholder="Search these lines  ( / )"
          aria-label="Search the log"
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setCurrent(0);
            setFollow(false);
          }}
          onKeyDown={(event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1)}
        />
        {search !== "" && (
          <span className="muted small nowrap" role="status">
            {found.length === 0 ? "nothing found" : `${current + 1} of ${formatCount(found.length)}`}
          </span>
        )}
        <span className="grow" />
        <button
          type="button"
          className="button"
          aria-pressed={follow}
          onClick={() => setFollow((before) => !before)}
        >
          Follow
        </button>
      </div>
      {error && <ErrorNotice error={error} />}
      {window ? (
        <LogLines
          key={`${attempt}:${stream}`}
          lines={lines}
          fromStart={window.start === 0}
          follow={follow}
          onLeaveEnd={() => setFollow(false)}
          found={found}
          current={found[current]}
          loadOlder={loadOlder}
        />
      ) : (
        !error && <Loading lines={8} />
      )}
    </>
  );
}
