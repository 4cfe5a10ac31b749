/** True against predicted classes: a heat map in a real table, on a canvas where there are many classes. */

import { useMemo, useState } from "react";
import { Segments } from "~/components/parts";
import { type Cells, type ConfusionMode, cellWords, sharesOf, shareText } from "~/model/confusion";
import { type Confusion, type Mistake, mistakes } from "~/model/curves";
import { formatCount, plural } from "~/model/format";
import { ConfusionMap } from "./ConfusionMap";

/** More classes than this are drawn on a canvas. */
const TABLE_MAX = 30;
const MISTAKES_MAX = 12;
/** Strongest fill in percent: the numbers stay readable in both colour schemes. */
const HEAT_ALPHA_MAX = 60;

export function ConfusionMatrix({
  confusion,
  label = "Confusion matrix",
}: {
  confusion: Confusion;
  label?: string;
}) {
  const [mode, setMode] = useState<ConfusionMode>("counts");
  const shares = useMemo(() => sharesOf(confusion, mode), [confusion, mode]);
  const cells = { confusion, shares, mode };
  return (
    <div className="stack tight">
      <div className="row wrap">
        <span className="muted small grow">rows: true, columns: predicted</span>
        <Segments
          label="Cell values"
          value={mode}
          onChange={setMode}
          options={[
            ["counts", "Counts"],
            ["rows", "Share of true class"],
            ["columns", "Share of predicted"],
          ]}
        />
      </div>
      {confusion.labels.length <= TABLE_MAX ? (
        <MatrixTable cells={cells} label={label} />
      ) : (
        <ConfusionMap cells={cells} label={label} />
      )}
      {confusion.weighted && (
        <p className="small muted">These are counts of examples; the metrics weigh them.</p>
      )}
      <Mistakes confusion={confusion} />
    </div>
  );
}

function MatrixTable({ cells, label }: { cells: Cells; label: string }) {
  const { confusion, shares, mode } = cells;
  const [at, setAt] = useState<{ t: number; p: number }>();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="matrix-wrap" tabIndex={0} aria-label={label}>
      <table className="matrix" onPointerLeave={() => setAt(undefined)}>
        <thead>
          <tr>
            <th />
            {confusion.labels.map((name, p) => (
              <th key={name} scope="col" className={at?.p === p ? "pointed" : ""}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {confusion.labels.map((truth, t) => (
            <tr key={truth}>
              <th scope="row" className={at?.t === t ? "pointed" : ""}>
                {truth}
              </th>
              {confusion.labels.map((predicted, p) => {
                const count = confusion.counts[t]?.[p] ?? 0;
                const share = shares[t]?.[p] ?? 0;
                const classes = [t === p && "diagonal", count === 0 && "zero"];
                // A square root keeps rare mistakes visible beside the full diagonal.
                const heat = Math.round(Math.sqrt(share) * HEAT_ALPHA_MAX);
                return (
                  <td
                    key={predicted}
                    className={classes.filter(Boolean).join(" ")}
                    style={count > 0 ? { background: `rgb(var(--heat) / ${heat}%)` } : undefined}
                    title={cellWords(cells, t, p)}
                    onPointerEnter={() => setAt({ t, p })}
                  >
                    {mode === "counts" ? formatCount(count) : shareText(share, count)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What was mistaken most often, for those who do not search a matrix by eye. */
function Mistakes({ confusion }: { confusion: Confusion }) {
  const found = useMemo(() => mistakes(confusion, MISTAKES_MAX), [confusion]);
  const name = (index: number) => confusion.labels[index] ?? "";
  if (found.length === 0)
    return (
      <p className="small muted">No mistake in {plural(confusion.labels.length, "class", "classes")}.</p>
    );
  const row = ({ truth, predicted, count }: Mistake) => (
    <li key={`${truth}-${predicted}`}>
      <b>{name(truth)}</b> taken for <b>{name(predicted)}</b>{" "}
      <span className="faint">{formatCount(count)}</span>
    </li>
  );
  return (
    <details className="small">
      <summary className="muted">Most frequent mistakes</summary>
      <ol className="mistakes">{found.map(row)}</ol>
    </details>
  );
}
