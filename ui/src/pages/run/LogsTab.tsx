/** Output of the program: attempts and streams, and the place in them, which the address holds. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { logsQuery } from "~/api/queries";
import type { LogView } from "~/api/types";
import { Empty, ErrorNotice, Loading, Segments } from "~/components/parts";
import { formatBytes } from "~/model/format";
import { LogPane } from "./LogPane";
import type { TabProps } from "./RunPage";

const route = getRouteApi("/runs/$id");

export default function LogsTab({ run }: TabProps) {
  const query = useQuery(logsQuery(run.id));
  if (query.isPending) return <Loading lines={8} />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.data.logs.length === 0) {
    return (
      <Empty
        title="No output yet"
        commands={[[`mlhub logs ${run.id} --follow`, "the same in a terminal, as it comes"]]}
      >
        <p>What the program prints is kept byte for byte and appears here while it runs.</p>
      </Empty>
    );
  }
  return <Logs run={run} logs={query.data.logs} />;
}

/** The stream to open first: where something was printed, standard output before standard error. */
function preferred(streams: readonly LogView[]): string {
  const printed = streams.filter((log) => log.size > 0);
  return (printed.find((log) => log.stream === "stdout") ?? printed[0])?.stream ?? "stdout";
}

function Logs({ run, logs }: TabProps & { logs: readonly LogView[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const attempts = [...new Set(logs.map((log) => log.attempt))].sort((a, b) => b - a);
  const attempt = attempts.find((one) => one === search.attempt) ?? attempts[0] ?? 1;
  const streams = logs.filter((log) => log.attempt === attempt);
  const stream = streams.find((log) => log.stream === search.stream)?.stream ?? preferred(streams);
  const open = (next: { attempt: number; stream?: string }) => {
    const find = search.find ? { find: search.find } : {};
    void navigate({ search: { tab: "logs", ...next, ...find }, replace: true });
  };
  const size = streams.find((log) => log.stream === stream)?.size ?? 0;
  return (
    <LogPane key={`${attempt}:${stream}`} run={run} place={{ run: run.id, attempt, stream }} size={size}>
      <Segments
        label="Stream"
        value={stream}
        onChange={(next) => open({ attempt, stream: next })}
        options={streams.map((log) => [log.stream, `${log.stream} ${formatBytes(log.size)}`])}
      />
      {attempts.length > 1 && (
        <select
          className="select"
          aria-label="Attempt"
          value={attempt}
          onChange={(event) => open({ attempt: Number(event.target.value) })}
        >
          {attempts.map((number) => (
            <option key={number} value={number}>
              attempt {number}
            </option>
          ))}
        </select>
      )}
    </LogPane>
  );
}
