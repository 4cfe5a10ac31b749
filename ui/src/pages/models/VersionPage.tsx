/** One version: what it stands on, its files, its aliases, and promoting it. */

import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import {
  modelVersionQuery,
  modelVersionsQuery,
  registeredModelQuery,
  registry,
  type VersionChange,
} from "~/api/registry";
import type { ModelVersionDetail, ModelVersionView, RegisteredModelView } from "~/api/types";
import { Breadcrumbs } from "~/components/Breadcrumbs";
import { Description } from "~/components/Description";
import { useNow } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { ActionMenu } from "~/components/Menu";
import { usePageActions } from "~/components/pageActions";
import { ErrorNotice, Loading, Notice, Panel } from "~/components/parts";
import { TagsEditor } from "~/components/TagsEditor";
import { shellWord } from "~/model/artifactTree";
import { formatAgo, formatTime } from "~/model/format";
import { DESCRIPTION_MAX, runsOf } from "~/model/registry";
import { RemoveAlias } from "./AliasesPanel";
import { StageBadge, StatusBadge } from "./badges";
import { Evaluations } from "./Evaluations";
import { FilesPanel } from "./FilesPanel";
import { LineagePanel } from "./LineagePanel";
import { PromoteDialog } from "./PromoteDialog";
import { RemoveVersion } from "./RemoveDialog";
import { useRegistry } from "./useRegistry";
import { VersionFacts } from "./VersionFacts";

const route = getRouteApi("/models/$name/$version");

function Crumbs({ name, version }: { name: string; version: string }) {
  return (
    <Breadcrumbs
      items={[
        { label: "Models", to: "/models" },
        { label: name, to: "/models/$name", params: { name } },
        { label: `version ${version}` },
      ]}
    />
  );
}

/** An alias leads to the version it names now: the page stays with that one when the alias goes elsewhere. */
function useNumberInAddress(name: string, asked: string, detail: ModelVersionDetail | undefined) {
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const number = detail && String(detail.version.version);
  useEffect(() => {
    if (number === undefined || number === asked) return;
    queries.setQueryData(modelVersionQuery(name, number).queryKey, detail);
    void navigate({ params: { name, version: number }, search: true, replace: true });
  }, [asked, detail, name, navigate, number, queries]);
}

export function VersionPage() {
  const { name, version } = route.useParams();
  const query = useQuery(modelVersionQuery(name, version));
  useNumberInAddress(name, version, query.data);
  const model = useQuery(registeredModelQuery(name));
  const error = query.error ?? model.error;
  if (query.data && model.data && !error) {
    const number = query.data.version.version;
    return <Version key={`${name} ${number}`} model={model.data} detail={query.data} />;
  }
  return (
    <div className="page">
      <div className="page-head">
        <Crumbs name={name} version={version} />
        <h1>
          {name}, version {version}
        </h1>
      </div>
      <div className="page-body">
        {error ? (
          <ErrorNotice
            error={error}
            retry={() => {
              void query.refetch();
              void model.refetch();
            }}
          />
        ) : (
          <Loading lines={8} />
        )}
      </div>
    </div>
  );
}

/** Leads to the comparison of this version's run with that of another. */
function CompareMenu({ version }: { version: ModelVersionView }) {
  const navigate = useNavigate();
  const versions = useInfiniteQuery(modelVersionsQuery(version.model)).data ?? [];
  const [own] = runsOf([version]);
  const others = versions.flatMap((one) => {
    const [run] = runsOf([one]);
    return run === undefined || run === own ? [] : [{ one, run }];
  });
  if (own === undefined || others.length === 0) return null;
  return (
    <ActionMenu
      label="Compare with another version"
      button={
        <>
          <Icon name="compare" size={14} /> Compare
        </>
      }
      actions={others.map(({ one, run }) => ({
        id: String(one.version),
        label: `version ${one.version}`,
        hint: one.aliases.join(", "),
        // The other one is the baseline.
        run: () => void navigate({ to: "/compare", search: { runs: `${run},${own}` } }),
      }))}
    />
  );
}

function Actions({ model, version }: { model: RegisteredModelView; version: ModelVersionView }) {
  const navigate = useNavigate();
  const [open, setOpen] = useState<"promote" | "delete">();
  const close = () => setOpen(undefined);
  const command = `mlhub registry show ${shellWord(version.model)} ${version.version}`;
  const more = [
    {
      id: "copy",
      label: "Copy the command to show it",
      run: () => void navigator.clipboard?.writeText(command),
    },
    { id: "delete", label: "Delete the version…", danger: true, run: () => setOpen("delete") },
  ];
  usePageActions([
    { id: "version-promote", label: "Promote this version…", run: () => setOpen("promote") },
    ...more.map(({ id, label, run }) => ({ id: `version-${id}`, label, run })),
  ]);
  return (
    <div className="row wrap">
      <button type="button" className="button primary" onClick={() => setOpen("promote")}>
        Promote
      </button>
      <CompareMenu version={version} />
      <ActionMenu label="More actions" className="button icon" button="⋯" actions={more} />
      {open === "promote" && <PromoteDialog model={model} version={version.version} close={close} />}
      {open === "delete" && (
        <RemoveVersion
          version={version}
          close={close}
          done={() => navigate({ to: "/models/$name", params: { name: version.model } })}
        />
      )}
    </div>
  );
}

/** The aliases of the version; each can be taken away. */
function Aliases({ model, version }: { model: RegisteredModelView; version: ModelVersionView }) {
  const [removing, setRemoving] = useState<string>();
  if (version.aliases.length === 0) return null;
  return (
    <>
      <ul className="tags" aria-label="Aliases">
        {version.aliases.map((alias) => (
          <li key={alias} className="tag alias">
            <span className="tag-text">
              {alias in model.protections && (
                <span title="Given past a gate only">
                  <Icon name="lock" size={12} />
                  <span className="visually-hidden">protected</span>
                </span>
              )}
              {alias}
            </span>
            <button
              type="button"
              aria-label={`Remove the alias ${alias}`}
              title={`Remove the alias ${alias}`}
              onClick={() => setRemoving(alias)}
            >
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ul>
      {removing !== undefined && (
        <RemoveAlias
          model={version.model}
          alias={removing}
          version={version.version}
          close={() => setRemoving(undefined)}
        />
      )}
    </>
  );
}

function Version({ model, detail }: { model: RegisteredModelView; detail: ModelVersionDetail }) {
  const { version } = detail;
  const now = useNow(false);
  const act = (change: VersionChange) => registry.versionChange(version.model, version.version, change);
  const describe = useRegistry(act);
  const tag = useRegistry(act);
  return (
    <div className="page">
      <div className="page-head">
        <Crumbs name={version.model} version={String(version.version)} />
        <div className="row wrap">
          <h1 className="anywhere">
            {version.model}, version {version.version}
          </h1>
          <Aliases model={model} version={version} />
          {version.stage !== "none" && <StageBadge stage={version.stage} />}
          <StatusBadge status={version.status} message={version.status_message} />
          <span className="grow" />
          <Actions model={model} version={version} />
        </div>
        <div className="row wrap muted small run-facts">
          <span title={formatTime(version.created_at)}>
            registered {formatAgo(version.created_at, now)} by {version.created_by}
          </span>
        </div>
        <Description
          text={version.description}
          of={`version ${version.version}`}
          most={DESCRIPTION_MAX}
          whole
          save={(description) => describe.mutateAsync({ description })}
        />
      </div>
      <div className="page-body">
        {version.status !== "ready" && (
          <Notice tone={version.status === "failed" ? "bad" : "warn"}>
            {version.status === "failed" ? "Its files did not arrive" : "Its files are on their way"}
            {version.status_message ? `: ${version.status_message}` : "."}
          </Notice>
        )}
        <div className="overview">
          <div className="stack">
            <LineagePanel detail={detail} />
            <FilesPanel version={version} />
            <Evaluations evaluations={detail.evaluations} />
          </div>
          <div className="stack">
            <VersionFacts version={version} />
            <Panel title="Tags">
              <TagsEditor
                tags={version.tags}
                pending={tag.isPending}
                error={tag.error}
                change={(tags, done) => tag.mutate({ tags }, { onSuccess: done })}
              />
            </Panel>
          </div>
        </div>
      </div>
    </div>
  );
}
