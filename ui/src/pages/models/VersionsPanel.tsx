/** The versions of a model with what they come from and their key metrics; two or more are compared by their runs. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { modelVersionsQuery, versionRunsQuery } from "~/api/registry";
import type { ModelVersionView, RegisteredModelView, RunFound } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { ActionMenu } from "~/components/Menu";
import { Empty, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { formatAge, formatFixed, formatTime, fullNumber, plural } from "~/model/format";
import { keyMetrics, runsOf } from "~/model/registry";
import { AliasBadge, StageBadge, StatusBadge } from "./badges";
import { DatasetLink } from "./DatasetLink";
import { PromoteDialog } from "./PromoteDialog";
import { RemoveVersion } from "./RemoveDialog";

const METRICS_SHOWN = 3;
/** Runs whose numbers are shown, those of the newest versions: one query names them. */
const RUNS_MAX = 200;

type Open = { what: "promote" | "delete"; version: ModelVersionView } | undefined;

interface RowProps {
  model: RegisteredModelView;
  version: ModelVersionView;
  run: RunFound | undefined;
  metrics: readonly string[];
  now: number;
  checked: boolean;
  toggle: () => void;
  open: (wish: Open) => void;
}

function RunCell({ version, run }: { version: ModelVersionView; run: RunFound | undefined }) {
  if (!version.run) return <span className="faint">none</span>;
  return (
    <>
      <Link className="link" to="/runs/$id" params={{ id: version.run }}>
        {run?.name ?? version.run}
      </Link>
      {run?.deleted_at && <span className="badge outline">deleted</span>}
    </>
  );
}

function Row({ model, version, run, metrics, now, checked, toggle, open }: RowProps) {
  const number = version.version;
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`Choose version ${number} to compare`}
          checked={checked}
          disabled={runsOf([version]).length === 0}
          onChange={toggle}
        />
      </td>
      <th scope="row">
        <Link
          className="link"
          to="/models/$name/$version"
          params={{ name: model.name, version: String(number) }}
          title={version.description || undefined}
        >
          version {number}
        </Link>
        {version.aliases.map((alias) => (
          <AliasBadge
            key={alias}
            model={model.name}
            alias={alias}
            version={number}
            isProtected={alias in model.protections}
          />
        ))}
      </th>
      <td>
        <StageBadge stage={version.stage} />
      </td>
      <td>
        <StatusBadge status={version.status} message={version.status_message} />
      </td>
      <td className="nowrap">
        <RunCell version={version} run={run} />
      </td>
      <td className="nowrap">
        <DatasetLink dataset={run?.dataset} />
      </td>
      {metrics.map((name) => (
        <td key={name} className="num" title={fullNumber(run?.metrics[name])}>
          {formatFixed(run?.metrics[name])}
        </td>
      ))}
      <td className="muted nowrap">{version.created_by}</td>
      <td className="num nowrap" title={formatTime(version.created_at)}>
        {formatAge(version.created_at, now)}
      </td>
      <td className="num">
        <ActionMenu
          label={`Actions of version ${number}`}
          className="button ghost icon"
          button="⋯"
          actions={[
            { id: "promote", label: "Promote…", run: () => open({ what: "promote", version }) },
            {
              id: "delete",
              label: "Delete the version…",
              danger: true,
              run: () => open({ what: "delete", version }),
            },
          ]}
        />
      </td>
    </tr>
  );
}

/** Chosen versions by their number, to compare. */
function useChosen(versions: readonly ModelVersionView[]) {
  const [numbers, setNumbers] = useState<ReadonlySet<number>>(new Set());
  const toggle = (number: number) =>
    setNumbers((before) => {
      const next = new Set(before);
      if (!next.delete(number)) next.add(number);
      return next;
    });
  return {
    has: (number: number) => numbers.has(number),
    toggle,
    all: versions.filter((one) => numbers.has(one.version)),
  };
}

/** Runs are compared in the order in which their versions were registered. */
function CompareLink({ chosen }: { chosen: readonly ModelVersionView[] }) {
  const runs = runsOf([...chosen].reverse());
  if (chosen.length < 2) return <span className="faint small">choose two to compare</span>;
  if (runs.length < 2) return <span className="faint small">they come from the same run</span>;
  return (
    <Link className="button" to="/compare" search={{ runs: runs.join(",") }}>
      <Icon name="compare" size={14} /> Compare {plural(chosen.length, "version")}
    </Link>
  );
}

/** The runs of the versions by id, and the metrics that tell most of them. */
function useRuns(versions: readonly ModelVersionView[]) {
  const ids = useMemo(() => {
    const runs = versions.flatMap((one) => (one.run ? [one.run] : []));
    return [...new Set(runs)].slice(0, RUNS_MAX);
  }, [versions]);
  const query = useQuery(versionRunsQuery(ids));
  return useMemo(() => {
    const runs = query.data?.runs ?? [];
    return { byId: new Map(runs.map((run) => [run.id, run])), metrics: keyMetrics(runs, METRICS_SHOWN) };
  }, [query.data]);
}

const NO_VERSIONS: readonly ModelVersionView[] = [];

export function VersionsPanel({ model }: { model: RegisteredModelView }) {
  const query = useInfiniteQuery(modelVersionsQuery(model.name));
  const versions = query.data ?? NO_VERSIONS;
  const { byId, metrics } = useRuns(versions);
  const chosen = useChosen(versions);
  const now = useNow(false);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <Panel
      title={plural(model.versions, "version")}
      aside={versions.length > 1 && <CompareLink chosen={chosen.all} />}
      flush
    >
      {query.isPending && (
        <div className="inside">
          <Loading lines={4} />
        </div>
      )}
      {query.isError && (
        <div className="inside">
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        </div>
      )}
      {query.data && versions.length === 0 && (
        <Empty
          title="No versions yet"
          commands={[
            [
              `mlhub registry add ${model.name} --run RUN --path model`,
              "registers files of a run as its first",
            ],
          ]}
        >
          <p>Or press Register model on the overview of a run.</p>
        </Empty>
      )}
      {versions.length > 0 && (
        <TableWrap label={`Versions of ${model.name}`}>
          <table className="table hover">
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">To compare</span>
                </th>
                <th scope="col">Version</th>
                <th scope="col">Stage</th>
                <th scope="col">Status</th>
                <th scope="col">Run</th>
                <th scope="col">Dataset</th>
                {metrics.map((name) => (
                  <th scope="col" className="num" key={name}>
                    {name}
                  </th>
                ))}
                <th scope="col">By</th>
                <th scope="col" className="num">
                  Age
                </th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {versions.map((version) => (
                <Row
                  key={version.version}
                  model={model}
                  version={version}
                  run={version.run ? byId.get(version.run) : undefined}
                  metrics={metrics}
                  now={now}
                  checked={chosen.has(version.version)}
                  toggle={() => chosen.toggle(version.version)}
                  open={setOpen}
                />
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
      {query.hasNextPage && (
        <div className="inside">
          <button
            type="button"
            className="button"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show older versions
          </button>
        </div>
      )}
      {open?.what === "promote" && (
        <PromoteDialog model={model} version={open.version.version} close={close} />
      )}
      {open?.what === "delete" && <RemoveVersion version={open.version} close={close} done={close} />}
    </Panel>
  );
}
