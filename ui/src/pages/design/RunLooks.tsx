/** The palette with every dash pattern, and how far its colours are apart for each kind of vision. */

import { Swatch, TableWrap } from "~/components/parts";
import { DASHES, PALETTE_SIZE, seriesColor, seriesDash } from "~/model/colors";
import { contrastRatio, difference, type Rgb, VISIONS, type Vision } from "~/model/contrast";
import { useColor } from "./useToken";

function nearest(colors: readonly Rgb[], at: number, vision: Vision): { other: number; apart: number } {
  const [here, ...rest] = [colors[at] as Rgb, ...colors];
  return rest
    .map((color, other) => ({
      other,
      apart: other === at ? Number.POSITIVE_INFINITY : difference(here, color, vision),
    }))
    .reduce((best, one) => (one.apart < best.apart ? one : best));
}

function Line({ look }: { look: number }) {
  return (
    <svg className="look" viewBox="0 0 80 10" aria-hidden="true">
      <line
        x1="0"
        x2="80"
        y1="5"
        y2="5"
        stroke={seriesColor(look)}
        strokeWidth="2"
        strokeDasharray={seriesDash(look).join(" ")}
      />
    </svg>
  );
}

export function RunLooks() {
  const color = useColor();
  const indices = Array.from({ length: PALETTE_SIZE }, (_, i) => i);
  const colors = indices.map((i) => color(`series-${i}`)).filter((one): one is Rgb => one !== undefined);
  const panel = color("panel");
  if (colors.length < PALETTE_SIZE || !panel) return null;
  return (
    <div className="stack tight">
      <p className="muted small measure">
        A run's look follows from its id: {PALETTE_SIZE} colours with {DASHES.length} patterns. The figures
        are the distance to the nearest other colour, in Oklab times 100; about 2 is just seen.
      </p>
      <TableWrap label="Looks of runs">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Colour</th>
              <th scope="col">Patterns</th>
              <th scope="col" className="num">
                On the panel
              </th>
              {VISIONS.map((vision) => (
                <th key={vision} scope="col" className="num">
                  {vision}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {indices.map((i) => (
              <tr key={i}>
                <th scope="row">
                  <span className="row">
                    <Swatch color={i} /> {i}
                  </span>
                </th>
                <td>
                  <span className="row">
                    {DASHES.map((dash, pattern) => (
                      <Line key={dash.join(" ")} look={i + pattern * PALETTE_SIZE} />
                    ))}
                  </span>
                </td>
                <td className="num">{contrastRatio(colors[i] as Rgb, panel).toFixed(1)}</td>
                {VISIONS.map((vision) => {
                  const { other, apart } = nearest(colors, i, vision);
                  return (
                    <td key={vision} className="num">
                      {apart.toFixed(0)} <span className="faint small">to {other}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </div>
  );
}
