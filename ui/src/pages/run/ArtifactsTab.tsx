/** Files of the run as a tree, and beside it the one that is open. Bytes are downloaded, drawn as raster images, or shown as text. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { artifactsQuery } from "~/api/queries";
import type { ArtifactView } from "~/api/types";
import { Empty, ErrorNotice, Loading, Panel } from "~/components/parts";
import { findArtifacts } from "~/model/artifactTree";
import { formatBytes, plural } from "~/model/format";
import { ArtifactDetail } from "./ArtifactDetail";
import { ArtifactTree } from "./ArtifactTree";
import { ExportPanel } from "./ExportPanel";
import type { TabProps } from "./RunPage";

const route = getRouteApi("/runs/$id");

export default function ArtifactsTab({ run }: TabProps) {
  const query = useQuery(artifactsQuery(run.id));
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const { artifacts } = query.data;
  if (artifacts.length === 0) {
    return (
      <Empty
        title="No artifacts"
        commands={[[`mlhub artifacts put ${run.id} model.bin --kind model`, "stores a file with this run"]]}
      >
        <p>
          Files the program leaves in `artifacts/`, `checkpoints/` and `predictions/` of its run directory
          appear here.
        </p>
      </Empty>
    );
  }
  return <Artifacts run={run} artifacts={artifacts} />;
}

function Artifacts({ run, artifacts }: TabProps & { artifacts: readonly ArtifactView[] }) {
  const { file } = route.useSearch();
  const navigate = route.useNavigate();
  const [find, setFind] = useState("");
  const shown = useMemo(() => findArtifacts(artifacts, find), [artifacts, find]);
  const chosen = artifacts.find((artifact) => artifact.path === file);
  const open = (path: string | undefined) =>
    void navigate({ search: { tab: "artifacts", ...(path && { file: path }) }, replace: true });
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.size_bytes, 0);
  return (
    <>
      <ExportPanel run={run} artifacts={artifacts} open={open} />
      <div className={`artifacts ${chosen ? "open" : ""}`}>
        <Panel
          title={plural(artifacts.length, "file")}
          aside={<span className="muted small">{formatBytes(bytes)}</span>}
          flush
        >
          <div className="artifacts-find">
            <input
              data-search
              type="search"
              className="input"
              placeholder="Find a path or kind  ( / )"
              aria-label="Find an artifact"
              value={find}
              onChange={(event) => setFind(event.target.value)}
            />
          </div>
          {shown.length > 0 ? (
            <ArtifactTree run={run.id} files={shown} chosen={file} unfold={find !== ""} open={open} />
          ) : (
            <p className="inside muted">Nothing matches.</p>
          )}
        </Panel>
        {chosen && (
          <ArtifactDetail
            key={`${chosen.path} ${chosen.hash}`}
            run={run}
            artifact={chosen}
            close={() => open(undefined)}
          />
        )}
      </div>
      {file && !chosen && (
        <p className="muted" role="status">
          This run has no artifact at <code>{file}</code>.
        </p>
      )}
    </>
  );
}
