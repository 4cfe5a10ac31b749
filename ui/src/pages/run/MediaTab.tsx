/** What the run logged besides numbers: pictures, tables, histograms, text, sound, video. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { RECORDS_MAX } from "~/api/client";
import { recordsQuery } from "~/api/queries";
import { useOnScreen } from "~/components/hooks";
import { Empty, ErrorNotice, Loading, Notice, Segments } from "~/components/parts";
import { formatCount, plural } from "~/model/format";
import { type Gallery, galleries } from "~/model/media";
import { HistogramSteps } from "./HistogramSteps";
import { type CompareMode, comparable, ImageCompare } from "./ImageCompare";
import { MediaItems } from "./MediaItems";
import type { TabProps } from "./RunPage";

const KINDS = ["media", "histogram", "text"] as const;
/** Galleries drawn before a filter is needed. */
const GALLERIES_MAX = 60;

/** The records of all kinds that are media. */
function useMedia(run: string) {
  const answers = [
    useQuery(recordsQuery(run, KINDS[0])),
    useQuery(recordsQuery(run, KINDS[1])),
    useQuery(recordsQuery(run, KINDS[2])),
  ];
  const [media, histograms, texts] = answers.map((answer) => answer.data?.records);
  const found = useMemo(
    () => galleries([...(media ?? []), ...(histograms ?? []), ...(texts ?? [])]),
    [media, histograms, texts],
  );
  return {
    found,
    pending: answers.some((answer) => answer.isPending),
    failed: answers.find((answer) => answer.isError),
    cut: answers.some((answer) => (answer.data?.records.length ?? 0) >= RECORDS_MAX),
  };
}

export default function MediaTab({ run }: TabProps) {
  const { found, pending, failed, cut } = useMedia(run.id);
  const [filter, setFilter] = useState("");
  if (failed) return <ErrorNotice error={failed.error} retry={() => void failed.refetch()} />;
  if (pending) return <Loading />;
  if (found.length === 0) {
    return (
      <Empty
        title="No media"
        commands={[['run.log_image("samples", array, step=3)', "from Python, in the training"]]}
      >
        <p>Pictures, tables, histograms, texts, sound and video that the program logs appear here.</p>
      </Empty>
    );
  }
  const needle = filter.toLowerCase();
  const shown = found.filter((gallery) => `${gallery.kind} ${gallery.name}`.toLowerCase().includes(needle));
  return (
    <>
      <div className="toolbar">
        <input
          data-search
          type="search"
          className="input search"
          placeholder={`Find among ${plural(found.length, "name")}  ( / )`}
          aria-label="Find media"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      </div>
      {cut && <Notice>Only the newest {formatCount(RECORDS_MAX)} of a kind are shown.</Notice>}
      <div className="media-grid">
        {shown.slice(0, GALLERIES_MAX).map((gallery) => (
          <GalleryPanel key={gallery.key} run={run.id} gallery={gallery} />
        ))}
      </div>
      {shown.length > GALLERIES_MAX && (
        <p className="muted">and {formatCount(shown.length - GALLERIES_MAX)} more: type to find them</p>
      )}
      {shown.length === 0 && <p className="muted">Nothing is called like that.</p>}
    </>
  );
}

type Mode = "single" | CompareMode;
const MODES: readonly (readonly [Mode, string])[] = [
  ["single", "Single"],
  ["side", "Side by side"],
  ["swipe", "Swipe"],
  ["difference", "Difference"],
];

/** One name: a slider over its steps, and what was logged at the step; fetched once it was on screen. */
function GalleryPanel({ run, gallery }: { run: string; gallery: Gallery }) {
  const { steps } = gallery;
  const [ref, shown] = useOnScreen<HTMLElement>();
  const seen = useRef(false);
  seen.current ||= shown;
  // The newest step until the reader chooses one; then that one stays.
  const [chosen, setChosen] = useState<number>();
  const [mode, setMode] = useState<Mode>("single");
  const at = chosen === undefined ? steps.length - 1 : Math.max(0, steps.indexOf(chosen));
  const step = steps[at] ?? 0;
  const canCompare = gallery.kind !== "histogram" && comparable(gallery);
  return (
    <section
      ref={ref}
      className={`panel media ${gallery.kind} ${mode === "single" ? "" : "compared"}`}
      aria-label={gallery.name}
    >
      <header>
        <h2 className="grow truncate" title={gallery.name}>
          {gallery.name}
        </h2>
        <span className="badge outline">{gallery.kind}</span>
      </header>
      <div className="inside stack tight">
        {canCompare && (
          <Segments label={`View of ${gallery.name}`} value={mode} onChange={setMode} options={MODES} />
        )}
        {!seen.current ? (
          <div className="media-room" />
        ) : gallery.kind === "histogram" ? (
          <HistogramSteps gallery={gallery} at={at} onStep={setChosen} />
        ) : mode === "single" || !canCompare ? (
          <MediaItems run={run} gallery={gallery} items={gallery.items.get(step) ?? []} />
        ) : (
          <ImageCompare run={run} gallery={gallery} step={step} mode={mode} />
        )}
        <StepSlider name={gallery.name} steps={steps} at={at} onStep={setChosen} />
      </div>
    </section>
  );
}

function StepSlider(props: {
  name: string;
  steps: readonly number[];
  at: number;
  onStep: (step: number | undefined) => void;
}) {
  const { name, steps, at, onStep } = props;
  const step = steps[at] ?? 0;
  return (
    <div className="row media-step">
      {steps.length > 1 && (
        <input
          type="range"
          className="grow"
          aria-label={`Step of ${name}`}
          aria-valuetext={`step ${step}`}
          min={0}
          max={steps.length - 1}
          value={at}
          onChange={(event) => onStep(steps[Number(event.target.value)])}
        />
      )}
      <span className="muted small nowrap">
        step {formatCount(step)}
        {steps.length > 1 && (
          <span className="faint">
            {" "}
            · {formatCount(at + 1)} of {formatCount(steps.length)}
          </span>
        )}
      </span>
    </div>
  );
}
