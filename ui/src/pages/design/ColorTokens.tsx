/** Text colours on the grounds they stand on, each with its contrast. */

import { contrastRatio, TEXT_PAIRS } from "~/model/contrast";
import { useColor } from "./useToken";

export function ColorTokens() {
  const color = useColor();
  return (
    <div className="stack tight">
      <p className="muted small">WCAG 2.2 asks for 4.5 for text. The lowest here is told first.</p>
      <ul className="token-grid">
        {TEXT_PAIRS.map(([ink, ground]) => {
          const [a, b] = [color(ink), color(ground)];
          return { ink, ground, ratio: a && b ? contrastRatio(a, b) : 0 };
        })
          .sort((a, b) => a.ratio - b.ratio)
          .map(({ ink, ground, ratio }) => (
            <li
              key={`${ink} ${ground}`}
              className="token"
              style={{ background: `var(--${ground})`, color: `var(--${ink})` }}
            >
              <b>{ratio.toFixed(1)}</b> {ink} on {ground}
            </li>
          ))}
      </ul>
    </div>
  );
}
