/** Why a run failed, with the lines that show it, each a link to its place in the log. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { logsQuery } from "~/api/queries";
import { logTailQuery } from "~/api/runPage";
import type { RunDetail } from "~/api/types";
import { plainText } from "~/model/ansi";
import { openWindow, placesOf } from "~/model/logs";

export function exitText(exit: NonNullable<RunDetail["exit"]>): string | undefined {
  if (exit.signal !== null && exit.signal !== undefined) return `signal ${exit.signal}`;
  return exit.code !== null && exit.code !== undefined ? `exit code ${exit.code}` : undefined;
}

/** The supervisor takes evidence from the end of standard error, or of standard output where that is empty. */
function useEvidence(run: RunDetail) {
  const evidence = run.failure?.evidence ?? [];
  const logs = useQuery({ ...logsQuery(run.id), enabled: evidence.length > 0 }).data?.logs ?? [];
  const streams = logs.filter((log) => log.attempt === run.attempt && log.size > 0);
  const log = streams.find((one) => one.stream === "stderr") ?? streams[0];
  const stream = log?.stream ?? "stderr";
  const tail = useQuery({
    ...logTailQuery({ run: run.id, attempt: run.attempt, stream }),
    enabled: log !== undefined,
  }).data;
  const places = tail ? placesOf(openWindow(tail), evidence) : [];
  return { evidence, stream, places };
}

export function FailureNotice({ run }: { run: RunDetail }) {
  const { evidence, stream, places } = useEvidence(run);
  const { failure } = run;
  if (!failure) return null;
  return (
    <section className="notice bad failure" aria-label="Why it failed">
      <div className="row wrap">
        <h2 className="grow">{failure.class.replaceAll("_", " ")}</h2>
        {run.exit && <span className="badge bad">{exitText(run.exit)}</span>}
      </div>
      <p>{failure.message}</p>
      {evidence.length > 0 && (
        <ol className="evidence" aria-label={`The last lines of ${stream}`}>
          {evidence.map((line, i) => {
            const at = places[i];
            const key = `${i} ${line}`;
            if (at === undefined) return <li key={key}>{plainText(line) || " "}</li>;
            return (
              <li key={key}>
                <Link
                  to="/runs/$id"
                  params={{ id: run.id }}
                  search={{ tab: "logs", attempt: run.attempt, stream, at }}
                  title="Show this line in the log"
                >
                  {plainText(line) || " "}
                </Link>
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
