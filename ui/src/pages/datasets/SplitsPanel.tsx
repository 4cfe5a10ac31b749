/** Stored splits: which rows train and which judge, and whether any row does both. */

import type { SplitView } from "~/api/types";
import { Copy, Panel, TableWrap } from "~/components/parts";
import { leakedParts, readSplitParts, type SplitParts } from "~/model/dataset";
import { formatCount, formatNumber, formatTime, plural, shortHash } from "~/model/format";
import { inline, leaves } from "~/model/json";
import { SharedRows } from "./SharedRows";

function Leakage({ leaks, accepted }: Pick<SplitParts, "leaks" | "accepted">) {
  if (leaks === undefined) return <span className="badge outline">leakage not checked</span>;
  if (leaks.length === 0) return <span className="badge good">no row shared between parts</span>;
  return (
    <>
      {leaks.map((leak) => (
        <span key={`${leak.a}-${leak.b}`} className={`badge ${accepted.has(leak.b) ? "warn" : "bad"}`}>
          {formatCount(leak.sharedRows)} of {leak.b} also in {leak.a}
          {accepted.has(leak.b) && ", accepted"}
        </span>
      ))}
    </>
  );
}

function Split({ split, dataset, version }: { split: SplitView; dataset: string; version: number }) {
  const { parts, leaks, accepted } = readSplitParts(split.parts);
  const total = parts.reduce((sum, part) => sum + (part.rows ?? 0), 0);
  const spec = leaves(split.spec as never)
    .filter((leaf) => leaf.path !== "" && leaf.value !== null)
    .map((leaf) => `${leaf.path} = ${inline(leaf.value)}`);
  return (
    <Panel
      title={
        <>
          Split <Copy value={split.hash} short={shortHash(split.hash)} />
        </>
      }
      aside={<Leakage leaks={leaks} accepted={accepted} />}
      flush
    >
      <TableWrap label="Parts">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Part</th>
              <th scope="col" className="num">
                Rows
              </th>
              <th scope="col">Share</th>
              <th scope="col">Fingerprint</th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part) => {
              const share = total > 0 ? (part.rows ?? 0) / total : 0;
              return (
                <tr key={part.name}>
                  <th scope="row">{part.name}</th>
                  <td className="num">{part.rows === undefined ? "–" : formatCount(part.rows)}</td>
                  <td style={{ width: "34%" }}>
                    <div className="row">
                      <span className="share">
                        <span style={{ width: `${share * 100}%` }} />
                      </span>
                      <span className="muted small">{formatNumber(share * 100, 3)} %</span>
                    </div>
                  </td>
                  <td>
                    {part.fingerprint ? (
                      <Copy value={part.fingerprint} short={shortHash(part.fingerprint)} />
                    ) : (
                      "–"
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableWrap>
      {leakedParts(leaks ?? []).map((part) => (
        <SharedRows
          key={part.split}
          of={{ dataset, version, hash: split.hash }}
          split={part.split}
          leaks={part.leaks}
          accepted={accepted.get(part.split)}
        />
      ))}
      <p className="muted small" style={{ padding: "8px 16px 12px", overflowWrap: "anywhere" }}>
        {spec.join(" · ")} · stored {formatTime(split.created_at)}
      </p>
    </Panel>
  );
}

export function SplitsPanel(props: { splits: readonly SplitView[]; dataset: string; version: number }) {
  const { splits, ...of } = props;
  if (splits.length === 0) {
    return (
      <Panel title={plural(0, "split")}>
        <p className="muted">
          No split of this version is stored yet; the first run that needs one makes it.
        </p>
      </Panel>
    );
  }
  return splits.map((split) => <Split key={split.hash} split={split} {...of} />);
}
