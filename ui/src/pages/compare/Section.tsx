/** A part of the page, named in the outline; what is in it is drawn once it comes near the screen. */

import { type ReactNode, useState } from "react";
import { useOnScreen } from "~/components/hooks";
import { Loading } from "~/components/parts";
import type { ComparePart } from "~/model/compare";

export function Section(props: {
  id: ComparePart;
  title: ReactNode;
  aside?: ReactNode;
  flush?: boolean;
  /** Drawn at once, without waiting for the screen. */
  eager?: boolean;
  children: () => ReactNode;
}) {
  const [ref, near] = useOnScreen<HTMLElement>();
  const [seen, setSeen] = useState(props.eager ?? false);
  if (near && !seen) setSeen(true);
  const body = seen ? props.children() : <Loading lines={3} />;
  return (
    <section className="panel compare-part" id={props.id} ref={ref} aria-labelledby={`${props.id}-title`}>
      <header>
        <h2 className="grow" id={`${props.id}-title`}>
          {props.title}
        </h2>
        {props.aside}
      </header>
      {props.flush && seen ? body : <div className="inside">{body}</div>}
    </section>
  );
}
