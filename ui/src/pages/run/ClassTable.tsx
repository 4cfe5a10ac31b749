/** How well each class is told from the rest, the one of the lowest F1 first. */

import { TableWrap } from "~/components/parts";
import type { ClassScores } from "~/model/curves";
import { formatFixed, formatNumber } from "~/model/format";

const COLUMNS = [
  ["precision", "Precision"],
  ["recall", "Recall"],
  ["f1", "F1"],
  ["specificity", "Specificity"],
  ["auroc", "AUROC"],
] as const;

export function ClassTable({ classes }: { classes: readonly ClassScores[] }) {
  const sorted = [...classes].sort((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0));
  return (
    <TableWrap label="Scores of each class">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col" className="num">
              Rows
            </th>
            {COLUMNS.map(([key, title]) => (
              <th key={key} scope="col" className="num">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((one) => (
            <tr key={one.label}>
              <th scope="row">{one.label}</th>
              <td className="num">{formatNumber(one.support)}</td>
              {COLUMNS.map(([key]) => (
                <td key={key} className="num">
                  {one[key] === undefined ? <span className="faint">–</span> : formatFixed(one[key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}
