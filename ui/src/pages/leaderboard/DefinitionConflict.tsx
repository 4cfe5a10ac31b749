/** Two versions of one metric side by side: results of both are in no common order. */

import { TableWrap } from "~/components/parts";
import { inline, type JsonObject } from "~/model/json";
import { conflictRows } from "~/model/leaderboard";

export function DefinitionConflict(props: { message: string; definitions: [JsonObject, JsonObject] }) {
  return (
    <section className="panel" role="alert" aria-label="Two versions of one metric">
      <header>
        <h2>Two versions of one metric are not ranked together</h2>
      </header>
      <p className="board-foot">{props.message}</p>
      <TableWrap label="Both definitions">
        <table className="table">
          <tbody>
            {conflictRows(...props.definitions).map(({ key, differs, values }) => (
              <tr key={key}>
                <th scope="row">{key}</th>
                {values.map((value, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: there are two, in their order
                  <td key={i} className={`prose anywhere ${differs ? "differs" : ""}`}>
                    {inline(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </section>
  );
}
