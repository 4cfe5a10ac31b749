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

/** A stream of the run's newest attempt, and where the evidence stands in its end. */
function usePlaces(run: RunDetail, stream: "stderr" | "stdout") {
  const evidence = run.failure?.evidence ?? [];
  const logs = useQuery({ ...logsQuery(run.id), enabled: evidence.length > 0 }).data?.logs ?? [];
  const isThere = logs.some((log) => log.attempt === run.attempt && log.stream === stream && log.size > 0);
  const tail = useQuery({
    ...logTailQuery({ run: run.id, attempt: run.attempt, stream }),
    enabled: isThere,
  }).data;
  const places = tail ? placesOf(openWindow(tail), evidence) : [];
  return { stream, places, found: places.filter((place) => place !== undefined).length };
}

/** The supervisor takes evidence from one stream: the one in which more of it is found. */
function useEvidence(run: RunDetail) {
  const errors = usePlaces(run, "stderr");
  const output = usePlaces(run, "stdout");
  return { evidence: run.failure?.evidence ?? [], ...(output.found > errors.found ? output : errors) };
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
      {failure.advice && <p className="small">{failure.advice}</p>}
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
