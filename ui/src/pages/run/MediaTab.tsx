/** What the run logged besides numbers: pictures, tables, histograms, text, sound, video. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { RECORDS_MAX } from "~/api/client";
import { recordsQuery } from "~/api/queries";
import { Empty, ErrorNotice, Loading, Notice } from "~/components/parts";
import { formatCount, plural } from "~/model/format";
import { type Gallery, galleries } from "~/model/media";
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

/** One name: a slider over its steps, and what was logged at the step. */
function GalleryPanel({ run, gallery }: { run: string; gallery: Gallery }) {
  const { steps } = gallery;
  // The newest step until the reader chooses one; then that one stays.
  const [chosen, setChosen] = useState<number>();
  const at = chosen === undefined ? steps.length - 1 : Math.max(0, steps.indexOf(chosen));
  const step = steps[at] ?? 0;
  return (
    <section className={`panel media ${gallery.kind}`} aria-label={gallery.name}>
      <header>
        <h2 className="grow truncate" title={gallery.name}>
          {gallery.name}
        </h2>
        <span className="badge outline">{gallery.kind}</span>
      </header>
      <div className="inside stack tight">
        <MediaItems run={run} gallery={gallery} items={gallery.items.get(step) ?? []} />
        <div className="row media-step">
          {steps.length > 1 && (
            <input
              type="range"
              className="grow"
              aria-label={`Step of ${gallery.name}`}
              aria-valuetext={`step ${step}`}
              min={0}
              max={steps.length - 1}
              value={at}
              onChange={(event) => setChosen(steps[Number(event.target.value)])}
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
      </div>
    </section>
  );
}
