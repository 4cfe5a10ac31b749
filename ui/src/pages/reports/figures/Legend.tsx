/** Names of what is drawn, each with its colour and a note. */

import { Swatch } from "~/components/parts";

export function Legend({
  items,
}: {
  items: readonly { id: string; name: string; color: number; note?: string }[];
}) {
  return (
    <ul className="report-legend">
      {items.map((item) => (
        <li key={item.id}>
          <Swatch color={item.color} /> <span>{item.name}</span>
          {item.note && <span className="faint">{item.note}</span>}
        </li>
      ))}
    </ul>
  );
}
