/** What was done to a model, newest first, with what gates said; it outlives the model. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { trailQuery } from "~/api/registry";
import type { ModelEventView, RegisteredModelView } from "~/api/types";
import { useNow } from "~/components/hooks";
import { ErrorNotice, Loading, Panel } from "~/components/parts";
import { formatAge, formatTime } from "~/model/format";
import { asObject } from "~/model/json";
import { eventText, readVerdict } from "~/model/registry";
import { FoldedVerdict } from "./Verdict";

function Line(props: { event: ModelEventView; model: RegisteredModelView; now: number }) {
  const { event, model, now } = props;
  const verdict = readVerdict(asObject(event.detail).gate);
  // Another model may have had the name: its versions are gone.
  const leads = event.model === model.id && event.version && event.action !== "version_deleted";
  return (
    <li className="event-row">
      <span className="row wrap">
        <b>{event.actor}</b>
        <span className="anywhere">{eventText(event)}</span>
        <span className="grow" />
        {leads && (
          <Link
            className="link small"
            to="/models/$name/$version"
            params={{ name: model.name, version: String(event.version) }}
          >
            version {event.version}
          </Link>
        )}
        <time
          className="faint small nowrap"
          dateTime={new Date(event.at).toISOString()}
          title={formatTime(event.at)}
        >
          {formatAge(event.at, now)}
        </time>
      </span>
      {verdict && <FoldedVerdict verdict={verdict} />}
    </li>
  );
}

export function Trail({ model }: { model: RegisteredModelView }) {
  const query = useInfiniteQuery(trailQuery(model.name));
  const now = useNow(false);
  return (
    <Panel title="Trail" aside={<span className="faint small">who did what, newest first</span>} flush>
      {query.isPending && (
        <div className="inside">
          <Loading lines={3} />
        </div>
      )}
      {query.isError && (
        <div className="inside">
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        </div>
      )}
      <ol aria-label="Trail" className="trail">
        {query.data?.map((event) => (
          <Line key={`${event.model} ${event.number}`} event={event} model={model} now={now} />
        ))}
      </ol>
      {query.hasNextPage && (
        <div className="inside">
          <button
            type="button"
            className="button"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show older
          </button>
        </div>
      )}
    </Panel>
  );
}
