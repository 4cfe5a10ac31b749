/** Writes the run's model in another format, where its adapter can; the files become artifacts of the run. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { keys, modelQuery } from "~/api/queries";
import { exportModel } from "~/api/runPage";
import type { ArtifactView } from "~/api/types";
import { ErrorNotice, Notice } from "~/components/parts";
import { formatBytes, formatCount, formatDuration, formatNumber } from "~/model/format";
import { adapterCan } from "~/model/served";
import { useLeftModel } from "../try/useModel";
import type { TabProps } from "./RunPage";

/** The format the bundled adapters export to. */
const FORMAT = "onnx";

export function ExportPanel(
  props: TabProps & { artifacts: readonly ArtifactView[]; open: (path: string) => void },
) {
  const { run, artifacts } = props;
  const queries = useQueryClient();
  // The hub is asked only where the adapter said it can: to others it answers with an error.
  const can = adapterCan(run.snapshot.adapter, "export");
  const left = useLeftModel(run).data === true;
  const model = useQuery({ ...modelQuery(run.id), enabled: left && can }).data;
  const exporting = useMutation({
    mutationFn: () => exportModel(run.id, FORMAT),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.artifacts(run.id) }),
  });
  if (!model?.capabilities.includes("export")) return null;
  const exported = artifacts.filter((one) => one.path.startsWith(`artifacts/exports/${FORMAT}/`));
  const done = exporting.data;
  return (
    <Notice>
      <div className="row wrap">
        <span className="grow">
          {exported.length > 0
            ? "This model was exported to ONNX."
            : "This model can be exported to ONNX; the export is compared with the original before it is kept."}
        </span>
        <button
          type="button"
          className="button"
          disabled={exporting.isPending}
          onClick={() => exporting.mutate()}
        >
          {exporting.isPending ? "Exporting…" : exported.length > 0 ? "Export again" : "Export to ONNX"}
        </button>
      </div>
      {exporting.isError && <ErrorNotice error={exporting.error} />}
      {done && (
        <p className="muted small" role="status">
          Compared on {formatCount(done.compared_rows)} rows: the largest difference is{" "}
          {formatNumber(done.max_abs_difference)} (allowed: {formatNumber(done.tolerance)}). It took{" "}
          {formatDuration(done.took_ms)}.
        </p>
      )}
      {exported.length > 0 && (
        <ul className="row wrap" aria-label="Exported files">
          {exported.map((one) => (
            <li key={one.path}>
              <button type="button" className="chip" onClick={() => props.open(one.path)}>
                {one.path.slice(one.path.lastIndexOf("/") + 1)} · {formatBytes(one.size_bytes)}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
