/** Whether an adapter can be used and, when not, why and what to do. */

import type { AdapterView } from "~/api/types";
import { Notice } from "~/components/parts";

export function Health({ adapter }: { adapter: AdapterView }) {
  return adapter.problem ? (
    <span className="badge bad">cannot be used</span>
  ) : (
    <span className="badge good">ready</span>
  );
}

export function Problem({ adapter }: { adapter: AdapterView }) {
  return (
    <Notice tone="bad">
      <p>{adapter.problem}</p>
      <p className="muted small">
        <code>mlhub adapter check {adapter.name}</code> tries every promise it makes and tells what is
        missing.
      </p>
    </Notice>
  );
}
