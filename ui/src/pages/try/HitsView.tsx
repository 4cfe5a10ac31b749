/** What a search found, the best first. */

import { TableWrap } from "~/components/parts";
import { readHit } from "~/model/answers";
import { formatFixed, fullNumber } from "~/model/format";
import { asArray } from "~/model/json";

export function HitsView({ hits }: { hits: unknown }) {
  const list = asArray(hits).map(readHit);
  if (list.length === 0) return <p className="muted">Nothing was found.</p>;
  const has = (key: "image" | "text" | "label") => list.some((hit) => hit[key] !== undefined);
  const [image, text, label] = [has("image"), has("text"), has("label")];
  return (
    <TableWrap label="Hits">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Rank</th>
            {image && <th scope="col">Image</th>}
            <th scope="col">Id</th>
            <th scope="col" className="num">
              Score
            </th>
            {label && <th scope="col">Label</th>}
            {text && <th scope="col">Text</th>}
          </tr>
        </thead>
        <tbody>
          {list.map((hit) => (
            <tr key={hit.rank}>
              <td>{hit.rank}</td>
              {image && (
                <td>
                  {hit.image && (
                    <img className="try-hit" src={hit.image} alt={`Hit ${hit.rank}, id ${hit.id}`} />
                  )}
                </td>
              )}
              <th scope="row">{hit.id}</th>
              <td className="num" title={fullNumber(hit.score)}>
                {formatFixed(hit.score)}
              </td>
              {label && <td>{hit.label}</td>}
              {text && <td className="prose">{hit.text}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}
