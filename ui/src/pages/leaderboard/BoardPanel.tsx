/** Results on the same examples: place, mean with its interval, and how each stands to the first. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Board, BoardEntry } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Interval } from "~/components/Interval";
import { Copy, Notice, Panel, TableWrap } from "~/components/parts";
import {
  formatCount,
  formatFixed,
  formatMeanStd,
  formatTime,
  fullNumber,
  plural,
  shortHash,
} from "~/model/format";
import { boardDomain, entryInterval, runsToCompare, standing } from "~/model/leaderboard";
import { directionMark } from "~/model/metrics";
import { toFinite } from "~/model/number";
import { PANEL_RUNS_MAX } from "~/model/report";
import { verdictBadge, verdictTone } from "~/model/reproduction";

/** Runs of an entry named at once, the newest. */
const RUNS_SHOWN = 1;
/** Entries that are compared when none is chosen. */
const FIRST = 3;

function keyOf(entry: BoardEntry): string {
  return entry.group ?? entry.runs[0]?.id ?? entry.experiment;
}

function RunLinks({ runs }: { runs: BoardEntry["runs"] }) {
  const link = (run: BoardEntry["runs"][number]) => (
    <Link key={run.id} to="/runs/$id" params={{ id: run.id }} search={{ tab: "evaluation" }} className="link">
      {run.name}
    </Link>
  );
  const more = runs.slice(RUNS_SHOWN);
  return (
    <span className="board-runs small">
      {runs.slice(0, RUNS_SHOWN).map(link)}
      {more.length > 0 && (
        <details>
          <summary>and {more.length} more</summary>
          <span className="board-runs">{more.map(link)}</span>
        </details>
      )}
    </span>
  );
}

function Experiment({ entry, project }: { entry: BoardEntry; project: string | undefined }) {
  const { experiment } = entry;
  const search = { experiment };
  return project === undefined ? (
    <Link to="/" search={search} className="link">
      {experiment}
    </Link>
  ) : (
    <Link to="/p/$project" params={{ project }} search={search} className="link">
      {experiment}
    </Link>
  );
}

function Against({ entry }: { entry: BoardEntry }) {
  const stands = standing(entry);
  if (!stands) return <span className="faint">{entry.rank === 1 ? "first" : "–"}</span>;
  return (
    <>
      <span className={`badge ${stands.tone}`} title={stands.title}>
        {stands.text}
      </span>
      {entry.reason && <span className="visually-hidden">: {entry.reason}</span>}
    </>
  );
}

interface RowProps {
  entry: BoardEntry;
  project: string | undefined;
  domain: readonly [number, number];
  checked: boolean;
  toggle: () => void;
}

function Row({ entry, project, domain, checked, toggle }: RowProps) {
  const interval = entryInterval(entry);
  const { statistics } = entry;
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`Choose ${entry.experiment}, place ${entry.rank}, to compare`}
          checked={checked}
          onChange={toggle}
        />
      </td>
      <td className="num">{entry.rank}</td>
      <th scope="row">
        <Experiment entry={entry} project={project} />
        <span className="board-about">
          {entry.adapter && <span className="faint small">{entry.adapter}</span>}
          {entry.reproduced && (
            <span className={`badge ${verdictTone(entry.reproduced)}`}>{verdictBadge(entry.reproduced)}</span>
          )}
        </span>
      </th>
      <td className="num nowrap" title={`mean ${fullNumber(statistics.mean)}`}>
        {formatMeanStd(toFinite(statistics.mean), toFinite(statistics.std))}
      </td>
      <td className="num">{formatCount(statistics.n)}</td>
      <td className="board-interval">
        <Interval
          value={toFinite(statistics.mean)}
          low={interval?.low}
          high={interval?.high}
          domain={domain}
        />
        <span className="muted small nowrap">
          {interval
            ? `${formatFixed(interval.low)} – ${formatFixed(interval.high)} over ${interval.over}`
            : "no interval"}
        </span>
      </td>
      <td className="nowrap">
        <Against entry={entry} />
      </td>
      <td>
        <RunLinks runs={entry.runs} />
      </td>
    </tr>
  );
}

function CompareLink({ entries, chosen }: { entries: readonly BoardEntry[]; chosen: readonly BoardEntry[] }) {
  const some = chosen.length > 0 ? chosen : entries.slice(0, FIRST);
  const ids = runsToCompare(some, PANEL_RUNS_MAX);
  if (ids.length < 2) return null;
  const seeds = some.every((entry) => entry.runs.length > 1);
  return (
    <Link
      to="/compare"
      search={{ runs: ids.join(","), ...(seeds && { by: "groups" as const }) }}
      className="button"
      title={`${plural(ids.length, "run")} side by side`}
    >
      <Icon name="compare" size={14} />
      {chosen.length > 0
        ? `Compare ${plural(some.length, "chosen entry", "chosen entries")}`
        : `Compare the first ${some.length}`}
    </Link>
  );
}

export function BoardPanel(props: {
  board: Board;
  metric: string;
  direction: string;
  project: string | undefined;
}) {
  const { board, metric, direction, project } = props;
  const { entries } = board;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string) =>
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  const domain = boardDomain(entries);
  const [dataset = board.dataset, version] = board.dataset.split("@");
  const leakage = board.accepted_leakage;
  return (
    <Panel
      title={
        <>
          {metric} {directionMark(direction)} on{" "}
          <Link
            to="/datasets/$name"
            params={{ name: dataset }}
            search={version === undefined ? {} : { version: Number(version) }}
            className="link board-data"
          >
            {board.dataset}
          </Link>
        </>
      }
      aside={<CompareLink entries={entries} chosen={entries.filter((entry) => chosen.has(keyOf(entry)))} />}
      flush
    >
      {leakage && (
        <div className="board-note">
          <Notice tone="warn">
            <p>
              Rows of this split are trained on too. {leakage.user} accepted that on{" "}
              {formatTime(leakage.accepted_at)}: {leakage.reason}
            </p>
          </Notice>
        </div>
      )}
      <TableWrap label={`Board of ${metric} on ${board.dataset}`}>
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">To compare</span>
              </th>
              <th scope="col" className="num">
                Place
              </th>
              <th scope="col">Experiment</th>
              <th scope="col" className="num">
                Mean
              </th>
              <th scope="col" className="num">
                Seeds
              </th>
              <th scope="col">95 % interval</th>
              <th scope="col">Against the first</th>
              <th scope="col">Runs</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <Row
                key={keyOf(entry)}
                entry={entry}
                project={project}
                domain={domain}
                checked={chosen.has(keyOf(entry))}
                toggle={() => toggle(keyOf(entry))}
              />
            ))}
          </tbody>
        </table>
      </TableWrap>
      <p className="board-foot muted small">
        {board.total > entries.length &&
          `The first ${formatCount(entries.length)} of ${formatCount(board.total)} entries. `}
        {plural(board.total, "entry", "entries")} on the split{" "}
        <Copy value={board.split_fingerprint} short={shortHash(board.split_fingerprint)} />. Over seeds:
        Student's interval of the mean; over rows: the only run's interval over its examples. Verdicts are of
        Welch's t-test over seeds, adjusted by Holm.
      </p>
    </Panel>
  );
}
