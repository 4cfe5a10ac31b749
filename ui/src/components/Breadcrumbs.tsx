/** Where a page lies: links to what is above it, and the page itself. */

import { Link } from "@tanstack/react-router";

export interface Crumb {
  label: string;
  /** Missing on the page itself. */
  to?: string;
  /** Of `to`, where it has any. */
  params?: Record<string, string>;
}

export function Breadcrumbs({ items }: { items: readonly Crumb[] }) {
  return (
    <nav className="crumbs" aria-label="Breadcrumb">
      <ol>
        {items.map((item, at) => (
          <li key={item.to ?? item.label}>
            {at > 0 && <span aria-hidden="true">/</span>}
            {item.to ? (
              <Link to={item.to} params={item.params ?? {}} className="truncate">
                {item.label}
              </Link>
            ) : (
              <span className="truncate" aria-current="page">
                {item.label}
              </span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
