/** The dataset version a run was trained on, as a link to it. */

import { Link } from "@tanstack/react-router";
import { datasetOf } from "~/model/registry";

export function DatasetLink({ dataset }: { dataset: string | null | undefined }) {
  if (!dataset) return <span className="faint">–</span>;
  const { name, version } = datasetOf(dataset);
  return (
    <Link
      className="link"
      to="/datasets/$name"
      params={{ name }}
      search={version === undefined ? {} : { version }}
    >
      {dataset}
    </Link>
  );
}
