/** Pictures, sound, tables and texts of the runs side by side, by name and step. */

import { type UseQueryResult, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { recordsQuery } from "~/api/queries";
import type { RecordView, RunSummary } from "~/api/types";
import { ErrorNotice, Loading, Swatch } from "~/components/parts";
import { useRested } from "~/components/useRested";
import { type CompareSearch, readCompareSearch } from "~/model/compare";
import { formatCount } from "~/model/format";
import { type Gallery, galleries } from "~/model/media";
import { itemsAt, type MediaName, mediaNames } from "~/model/sideBySide";
import { MediaItems } from "~/pages/run/MediaItems";
import type { PartProps } from "./useCompare";

const KINDS = ["media", "histogram", "text"] as const;

/** Galleries by run; the library calls this only when an answer changed. */
function readAll(answers: UseQueryResult<{ records: RecordView[] }, Error>[]) {
  const runs = Math.floor(answers.length / KINDS.length);
  const records = answers.map((answer) => answer.data?.records ?? []);
  return {
    lists: Array.from({ length: runs }, (_, i) =>
      galleries(records.slice(i * KINDS.length, (i + 1) * KINDS.length).flat()),
    ),
    pending: answers.some((answer) => answer.isPending),
    failed: answers.find((answer) => answer.isError),
  };
}

/** Galleries of each run, in the order of the runs. */
function useGalleries(runs: readonly RunSummary[]) {
  return useQueries({
    queries: runs.flatMap((run) => KINDS.map((kind) => recordsQuery(run.id, kind))),
    combine: readAll,
  });
}

/** The name and step chosen, which the address holds. */
function useChosen(search: CompareSearch, change: PartProps["change"]) {
  const { media, step } = search;
  const kept = useMemo(() => ({ media, step }), [media, step]);
  return useRested(kept, (next) =>
    change((before) => readCompareSearch({ ...before, media: next.media, step: next.step })),
  );
}

export function MediaPart({ comparison, colors, search, change }: PartProps) {
  const { runs } = comparison;
  const { lists, pending, failed } = useGalleries(runs);
  const [chosen, choose] = useChosen(search, change);
  const names = useMemo(() => mediaNames(lists), [lists]);
  if (failed) return <ErrorNotice error={failed.error} retry={() => void failed.refetch()} />;
  if (pending) return <Loading lines={4} />;
  const name = names.find((one) => one.key === chosen.media) ?? names[0];
  if (!name) {
    return (
      <p className="muted">
        None of these runs logged pictures, sound, tables or texts. From Python:{" "}
        <code>run.log_image("samples", array, step=3)</code>
      </p>
    );
  }
  const step =
    chosen.step !== undefined && name.steps.includes(chosen.step) ? chosen.step : (name.steps.at(-1) ?? 0);
  return (
    <div className="stack tight">
      <div className="toolbar">
        <label className="row small muted">
          Name
          <select
            className="select"
            value={name.key}
            onChange={(event) => choose({ media: event.target.value, step: undefined })}
          >
            {names.map((one) => (
              <option key={one.key} value={one.key}>
                {`${one.name} (${one.kind}, ${one.runs} of ${runs.length})`}
              </option>
            ))}
          </select>
        </label>
        <StepChoice name={name} step={step} onChange={(next) => choose({ media: name.key, step: next })} />
      </div>
      <ul className="side-by-side" aria-label={`${name.name} side by side`}>
        {runs.map((run, i) => (
          <Cell
            key={run.id}
            run={run}
            color={colors.get(run.id) ?? 0}
            gallery={lists[i]?.find((one) => one.key === name.key)}
            step={step}
          />
        ))}
      </ul>
    </div>
  );
}

function StepChoice(props: { name: MediaName; step: number; onChange: (step: number) => void }) {
  const { steps } = props.name;
  const at = Math.max(0, steps.indexOf(props.step));
  return (
    <div className="row small muted grow media-step">
      Step {formatCount(props.step)}
      {steps.length > 1 && (
        <input
          type="range"
          aria-label="Step of all runs"
          aria-valuetext={`step ${props.step}`}
          min={0}
          max={steps.length - 1}
          value={at}
          onChange={(event) => props.onChange(steps[Number(event.target.value)] ?? 0)}
        />
      )}
    </div>
  );
}

function Cell(props: { run: RunSummary; color: number; gallery: Gallery | undefined; step: number }) {
  const { run, gallery, step } = props;
  const found = itemsAt(gallery, step);
  return (
    <li>
      <div className="row small">
        <Swatch color={props.color} />
        <span className="truncate grow">{run.name}</span>
        {found && found.step !== step && <span className="badge warn">step {formatCount(found.step)}</span>}
      </div>
      {gallery && found ? (
        <MediaItems run={run.id} gallery={gallery} items={found.items} />
      ) : (
        <p className="muted small">{gallery ? "Nothing up to this step." : "Not logged by this run."}</p>
      )}
    </li>
  );
}
