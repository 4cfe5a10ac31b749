/** A form made from what the run's model takes, and its answer. Knows no kind of input or output itself. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { ApiError } from "~/api/http";
import { infoQuery, modelQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading, Notice, Panel, Segments } from "~/components/parts";
import { failureOf } from "~/model/answers";
import { blamed, EMPTY_DRAFT } from "~/model/asking";
import { formatBytes, formatDuration } from "~/model/format";
import {
  type Description,
  type ModelAbout,
  type QueryKind,
  querySpec,
  readDescription,
} from "~/model/served";
import { AnswerView } from "./AnswerView";
import { HitsView } from "./HitsView";
import { TryForm } from "./TryForm";
import { type Asking, type Reply, useAsking, useLeftModel } from "./useModel";

export default function TryTab({ run }: { run: RunDetail }) {
  const left = useLeftModel(run);
  const about = useQuery({ ...modelQuery(run.id), enabled: left.data === true });
  if (left.isError) return <ErrorNotice error={left.error} retry={() => void left.refetch()} />;
  if (!run.adapter || left.data === false) {
    return (
      <Empty title="No model to ask">
        <p>
          Here a model is asked for predictions, or for what is most like a query. A run leaves its model with
          the hub when its adapter can <b>predict</b> or <b>search</b>
          {run.adapter && (
            <>
              ; this one&apos;s, <code>{run.adapter}</code>, left none
            </>
          )}
          . The{" "}
          <Link className="link" to="/adapters">
            adapters
          </Link>{" "}
          say what they can do.
        </p>
      </Empty>
    );
  }
  if (about.isError) return <FailureNotice error={about.error} />;
  if (left.isPending || about.isPending) return <Loading />;
  return <Asker key={`${run.id} ${about.data.model.hash}`} run={run.id} about={about.data} />;
}

/** A way to ask: for a prediction, or with a query of a kind. */
type Way = "predict" | QueryKind;

const WAY_TITLES: Record<Way, string> = {
  predict: "Predict",
  text: "Search by text",
  vector: "Search by vector",
  image: "Search by image",
};

function waysOf(description: Description, capabilities: readonly string[]): Way[] {
  const searches = capabilities.includes("search") ? description.query : [];
  return [...searches, ...(capabilities.includes("predict") ? (["predict"] as const) : [])];
}

function Asker({ run, about }: { run: string; about: ModelAbout }) {
  const description = useMemo(() => readDescription(about.description), [about.description]);
  const ways = waysOf(description, about.capabilities);
  const [chosen, setChosen] = useState<Way>();
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const { asking, stop } = useAsking(run);
  const role = useQuery(infoQuery()).data?.role;
  const way = chosen ?? ways[0];
  const spec = useMemo(
    () => (way === undefined || way === "predict" ? description.input : querySpec(description, way)),
    [description, way],
  );
  // The same object until there is another refusal: the form moves the focus when it changes.
  const refused = useMemo(
    () => (asking.error instanceof ApiError ? blamed(spec, asking.error) : undefined),
    [asking.error, spec],
  );
  if (way === undefined) {
    return (
      <Notice tone="warn">
        <h3>{failureOf(501).title}</h3>
        <p>Its adapter, {about.model.adapter}, can neither predict nor search.</p>
      </Notice>
    );
  }
  return (
    <>
      {ways.length > 1 && (
        <div className="toolbar">
          <Segments
            label="What to ask"
            value={way}
            options={ways.map((one) => [one, WAY_TITLES[one]])}
            onChange={(next) => {
              stop();
              setChosen(next);
            }}
          />
        </div>
      )}
      <div className="columns try">
        <Panel title="Input" aside={<ModelFacts about={about} task={description.task} />}>
          <TryForm
            key={way}
            spec={spec}
            search={way === "predict" ? undefined : way}
            draft={draft}
            change={setDraft}
            refused={refused}
            forbidden={role === "reader"}
            pending={asking.isPending}
            ask={asking.mutate}
            stop={stop}
          />
        </Panel>
        <AnswerPanel asking={asking} description={description} />
      </div>
    </>
  );
}

function AnswerPanel(props: { asking: Asking; description: Description }) {
  const { asking, description } = props;
  // Once it has answered, its program is ready for a while.
  const [warm, setWarm] = useState(false);
  if (asking.isSuccess && !warm) setWarm(true);
  return (
    <Panel title="Answer" aside={asking.data && <Timing reply={asking.data} />}>
      <p className="visually-hidden" role="status">
        {asking.isPending && "Waiting for the model"}
        {asking.isSuccess && "The model has answered"}
      </p>
      <div className="stack tight">
        {asking.isPending && <Waiting warm={warm} />}
        {asking.isError && <FailureNotice error={asking.error} />}
        {asking.data && <ReplyView reply={asking.data} description={description} />}
        {asking.isIdle && <p className="muted">The model's answer appears here.</p>}
      </div>
    </Panel>
  );
}

function ModelFacts({ about, task }: { about: ModelAbout; task: string | undefined }) {
  return (
    <span className="muted small truncate" title={about.model.hash}>
      {task && `${task} · `}
      {about.model.adapter} · {formatBytes(about.size_bytes)}
    </span>
  );
}

function Timing({ reply }: { reply: Reply }) {
  return (
    <span className="row muted small nowrap">
      {reply.coldStart && (
        <span className="badge info" title="The model's program was started for this answer">
          cold start
        </span>
      )}
      {formatDuration(reply.tookMs)}
    </span>
  );
}

function Waiting({ warm }: { warm: boolean }) {
  const [since] = useState(() => Date.now());
  const now = useNow(true);
  return (
    <p className="row">
      <span className="badge info running">
        <span className="dot" aria-hidden="true" />
        {warm ? "asking" : "starting"}
      </span>
      <span>
        {warm ? "Asking the model" : "Starting the model's program; it then stays ready for a while"}
      </span>
      <span className="faint nowrap" aria-hidden="true">
        {Math.max(0, Math.floor((now - since) / 1000))}s
      </span>
    </p>
  );
}

function FailureNotice({ error }: { error: Error }) {
  const { title, advice } = failureOf(error instanceof ApiError ? error.status : -1);
  return (
    <div className="notice bad" role="alert">
      <h3>{title}</h3>
      <p className="prose">{error.message}</p>
      {advice && <p className="muted">{advice}</p>}
    </div>
  );
}

function ReplyView({ reply, description }: { reply: Reply; description: Description }) {
  const { question, output } = reply;
  if (question.search) return <HitsView hits={output} />;
  const asked = typeof question.input === "string" ? question.input : undefined;
  return <AnswerView spec={description.output} output={output} asked={asked} />;
}
