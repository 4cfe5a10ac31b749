/** True against predicted classes as a heat map in a real table. */

import { useState } from "react";
import { Segments } from "~/components/parts";
import { type Confusion, rowNormalised } from "~/model/curves";
import { formatCount } from "~/model/format";

/** More classes than this are drawn without numbers in the cells. */
const NUMBERS_SHOWN_MAX = 30;

/** Strongest fill in percent: the numbers stay readable in both colour schemes. */
const HEAT_ALPHA_MAX = 60;

export function ConfusionMatrix({ confusion }: { confusion: Confusion }) {
  const [mode, setMode] = useState<"counts" | "rows">("counts");
  const shares = rowNormalised(confusion.counts);
  const withNumbers = confusion.labels.length <= NUMBERS_SHOWN_MAX;
  const text = (t: number, p: number) => {
    const count = confusion.counts[t]?.[p] ?? 0;
    if (!withNumbers) return "";
    return mode === "counts"
      ? formatCount(count)
      : `${((shares[t]?.[p] ?? 0) * 100).toFixed(count > 0 ? 1 : 0)}%`;
  };
  return (
    <div className="stack tight">
      <div className="row">
        <span className="muted small grow">rows: true, columns: predicted</span>
        <Segments
          label="Cell values"
          value={mode}
          onChange={setMode}
          options={[
            ["counts", "Counts"],
            ["rows", "Share of true class"],
          ]}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="matrix-wrap" tabIndex={0} aria-label="Confusion matrix">
        <table className="matrix">
          <thead>
            <tr>
              <th />
              {confusion.labels.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {confusion.labels.map((truth, t) => (
              <tr key={truth}>
                <th scope="row">{truth}</th>
                {confusion.labels.map((predicted, p) => {
                  const count = confusion.counts[t]?.[p] ?? 0;
                  // A square root keeps rare mistakes visible beside the full diagonal.
                  const heat = Math.sqrt(shares[t]?.[p] ?? 0);
                  const classes = [t === p && "diagonal", count === 0 && "zero"];
                  return (
                    <td
                      key={predicted}
                      className={classes.filter(Boolean).join(" ")}
                      style={
                        count > 0
                          ? { background: `rgb(var(--heat) / ${Math.round(heat * HEAT_ALPHA_MAX)}%)` }
                          : undefined
                      }
                      title={`${formatCount(count)} of class ${truth} predicted as ${predicted}`}
                    >
                      {text(t, p)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
