/** Leads to the parts of the page and says which one is on screen. */

import { useEffect, useState } from "react";
import { COMPARE_PARTS, type ComparePart } from "~/model/compare";

/** The part that fills the upper half of the screen. */
function useCurrent(): ComparePart {
  const [current, setCurrent] = useState<ComparePart>("summary");
  useEffect(() => {
    const visible = new Set<string>();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (entry.isIntersecting) visible.add(entry.target.id);
          else visible.delete(entry.target.id);
        }
        const first = COMPARE_PARTS.find(([id]) => visible.has(id));
        if (first) setCurrent(first[0]);
      },
      { rootMargin: "0px 0px -55% 0px" },
    );
    for (const [id] of COMPARE_PARTS) {
      const part = document.getElementById(id);
      if (part) observer.observe(part);
    }
    return () => observer.disconnect();
  }, []);
  return current;
}

export function Outline() {
  const current = useCurrent();
  return (
    <nav className="compare-outline" aria-label="Parts of the comparison">
      <ul>
        {COMPARE_PARTS.map(([id, title]) => (
          <li key={id}>
            <a href={`#${id}`} aria-current={id === current ? "location" : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
