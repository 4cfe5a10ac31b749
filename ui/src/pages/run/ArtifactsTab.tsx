/** Files of the run. Bytes are only ever downloaded, drawn as raster images, or shown as plain text. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { artifactText, artifactUrl } from "~/api/client";
import { artifactsQuery } from "~/api/queries";
import type { ArtifactView } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Copy, Empty, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { formatBytes, formatTime, plural, shortHash } from "~/model/format";
import { pictorial, previewText, textual } from "~/model/preview";
import { Picture } from "./MediaItems";
import type { TabProps } from "./RunPage";

/** Bytes fetched for a preview. */
const PREVIEW_BYTES = 128 * 1024;

function Preview({ run, artifact, close }: { run: string; artifact: ArtifactView; close: () => void }) {
  return (
    <Panel
      title={<code>{artifact.path}</code>}
      aside={
        <button type="button" className="button ghost icon" aria-label="Close the preview" onClick={close}>
          <Icon name="close" />
        </button>
      }
      flush
    >
      {pictorial(artifact.path) ? (
        <div className="inside">
          <Picture run={run} path={artifact.path} name={artifact.path} />
        </div>
      ) : (
        <TextPreview run={run} artifact={artifact} />
      )}
    </Panel>
  );
}

function TextPreview({ run, artifact }: { run: string; artifact: ArtifactView }) {
  const query = useQuery({
    queryKey: ["artifact-text", run, artifact.path, artifact.hash],
    queryFn: ({ signal }) => artifactText(run, artifact.path, PREVIEW_BYTES, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.isPending) {
    return (
      <div className="inside">
        <Loading />
      </div>
    );
  }
  if (query.isError) return <ErrorNotice error={query.error} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <pre className="code-block" tabIndex={0}>
      {previewText(artifact.path, query.data.text, query.data.cut)}
      {query.data.cut && `\n… only the first ${formatBytes(PREVIEW_BYTES)} are shown`}
    </pre>
  );
}

export default function ArtifactsTab({ run }: TabProps) {
  const query = useQuery(artifactsQuery(run.id));
  const [chosen, setChosen] = useState<string>();
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const { artifacts } = query.data;
  if (artifacts.length === 0) {
    return (
      <Empty title="No artifacts">
        <p>
          Files the program leaves in `artifacts/`, `checkpoints/` and `predictions/` of its run directory
          appear here.
        </p>
      </Empty>
    );
  }
  const preview = artifacts.find((artifact) => artifact.path === chosen);
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.size_bytes, 0);
  return (
    <>
      <Panel
        title={plural(artifacts.length, "file")}
        aside={<span className="muted">{formatBytes(bytes)}</span>}
        flush
      >
        <TableWrap label="Artifacts">
          <table className="table hover">
            <thead>
              <tr>
                <th scope="col">Path</th>
                <th scope="col">Kind</th>
                <th scope="col" className="num">
                  Size
                </th>
                <th scope="col">BLAKE3</th>
                <th scope="col">Stored</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {artifacts.map((artifact) => (
                <tr key={artifact.path}>
                  <th scope="row">
                    <code>{artifact.path}</code>
                  </th>
                  <td>
                    <span className="badge outline">{artifact.kind}</span>
                  </td>
                  <td className="num">{formatBytes(artifact.size_bytes)}</td>
                  <td>
                    <Copy value={artifact.hash} short={shortHash(artifact.hash)} />
                  </td>
                  <td className="muted nowrap">{formatTime(artifact.created_at)}</td>
                  <td className="num">
                    {(textual(artifact.path) || pictorial(artifact.path)) && (
                      <button type="button" className="button ghost" onClick={() => setChosen(artifact.path)}>
                        Preview
                      </button>
                    )}
                    <a
                      className="button ghost icon"
                      href={artifactUrl(run.id, artifact.path)}
                      download
                      aria-label={`Download ${artifact.path}`}
                    >
                      <Icon name="download" />
                    </a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      </Panel>
      {preview && (
        <Preview key={preview.path} run={run.id} artifact={preview} close={() => setChosen(undefined)} />
      )}
    </>
  );
}
