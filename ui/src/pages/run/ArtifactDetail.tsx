/** One file: what it is, its versions, who used it, how to fetch it, and a preview where that is safe. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { artifactUrl } from "~/api/client";
import { usersQuery, versionsQuery } from "~/api/runPage";
import type { ArtifactView, RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Copy, ErrorNotice, Facts, Panel } from "~/components/parts";
import { fetchCommand } from "~/model/artifactTree";
import { formatBytes, formatTime, shortHash } from "~/model/format";
import { ArtifactPreview } from "./ArtifactPreview";

function Versions({ run, artifact }: { run: RunDetail; artifact: ArtifactView }) {
  const query = useQuery(versionsQuery(run.project, artifact.path));
  if (query.isError) return <ErrorNotice error={query.error} />;
  const versions = query.data?.versions ?? [];
  if (versions.length === 0) return null;
  return (
    <Panel title="Versions in this project">
      <ul className="stack tight">
        {versions.map((one) => (
          <li key={one.version} className="row wrap">
            <strong>v{one.version}</strong>
            {one.aliases.map((alias) => (
              <span key={alias} className="badge accent">
                {alias}
              </span>
            ))}
            {one.run === run.id ? (
              <span className="badge outline">this run</span>
            ) : (
              <Link
                className="link"
                to="/runs/$id"
                params={{ id: one.run }}
                search={{ tab: "artifacts", file: one.name }}
              >
                {one.run}
              </Link>
            )}
            <span className="grow" />
            <span className="faint small">
              {one.available ? formatBytes(one.artifact.size_bytes) : "its content is gone"}
            </span>
            <span className="faint small nowrap">{formatTime(one.artifact.created_at)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Users({ run, artifact }: { run: RunDetail; artifact: ArtifactView }) {
  const inputs = useQuery(usersQuery(run.id, artifact.path)).data?.inputs ?? [];
  if (inputs.length === 0) return null;
  return (
    <Panel title="Used by">
      <ul className="stack tight">
        {inputs.map((input) => (
          <li key={`${input.run} ${input.name}`} className="row wrap">
            <Link className="link" to="/runs/$id" params={{ id: input.run }}>
              {input.run}
            </Link>
            <span className="muted small">as {input.name}</span>
            <span className="grow" />
            <span className="faint small">{formatTime(input.used_at)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function ArtifactDetail(props: { run: RunDetail; artifact: ArtifactView; close: () => void }) {
  const { run, artifact } = props;
  const command = fetchCommand(run.id, artifact.path);
  return (
    <div className="stack artifact-detail">
      <Panel
        title={<code className="anywhere">{artifact.path}</code>}
        aside={
          <>
            <a
              className="button ghost icon"
              href={artifactUrl(run.id, artifact.path)}
              download
              aria-label="Download this file"
            >
              <Icon name="download" />
            </a>
            <button
              type="button"
              className="button ghost icon"
              aria-label="Close the file"
              onClick={props.close}
            >
              <Icon name="close" />
            </button>
          </>
        }
      >
        <Facts
          items={[
            ["Kind", artifact.kind],
            ["Size", formatBytes(artifact.size_bytes)],
            ["BLAKE3", <Copy key="h" value={artifact.hash} short={shortHash(artifact.hash)} />],
            ["Stored", `${formatTime(artifact.created_at)}, attempt ${artifact.attempt}`],
            ["Fetch", <Copy key="c" value={command} />],
          ]}
        />
      </Panel>
      <ArtifactPreview run={run.id} artifact={artifact} />
      <Versions run={run} artifact={artifact} />
      <Users run={run} artifact={artifact} />
    </div>
  );
}
