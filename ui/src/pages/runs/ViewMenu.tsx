/** Saved views: which one is open, whether it was changed, and all there are. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { viewsQuery } from "~/api/workspace";
import { Icon } from "~/components/Icon";
import { Popover } from "~/components/Popover";
import { ErrorNotice, Loading, Notice } from "~/components/parts";
import { formatAge } from "~/model/format";
import type { RunsSearch } from "~/model/search";
import type { ViewDocument, ViewLine } from "~/model/views";
import { type OpenView, type SetSearch, useViewActions, type ViewActions } from "./useView";
import { ViewDialog, type ViewWish } from "./ViewDialog";

interface Props {
  project: string | undefined;
  search: RunsSearch;
  set: SetSearch;
  view: OpenView;
}

export function ViewMenu(props: Props) {
  const { project, search, set, view } = props;
  const [wish, setWish] = useState<ViewWish>();
  const actions = useViewActions(project, search, set, view.charts);
  const { document, standing } = view;
  const mark = standing.kind === "changed" || standing.kind === "outdated";
  return (
    <>
      <Popover
        label="Views"
        on={document !== undefined}
        button={
          <>
            <Icon name="save" size={14} />
            <span className="truncate view-name">{document?.name ?? "Views"}</span>
            {mark && <span className="view-mark">changed</span>}
          </>
        }
      >
        {(close) => (
          <>
            {document ? (
              <Current
                {...props}
                document={document}
                actions={actions}
                close={close}
                wish={(next) => {
                  close();
                  setWish(next);
                }}
              />
            ) : (
              <button
                type="button"
                className="button primary"
                onClick={() => {
                  close();
                  setWish({ kind: "create", name: "" });
                }}
              >
                Save as a view
              </button>
            )}
            <List project={project} open={search.view} close={close} />
          </>
        )}
      </Popover>
      {wish && <ViewDialog wish={wish} actions={actions} close={() => setWish(undefined)} />}
    </>
  );
}

/** What can be done with the view that is open. */
function Current(
  props: Props & {
    document: ViewDocument;
    actions: ViewActions;
    wish: (wish: ViewWish) => void;
    close: () => void;
  },
) {
  const { document, view, actions, search, wish, close } = props;
  const { standing } = view;
  const error = actions.save.error;
  // The button pressed goes away with the change it was for; the focus must not be lost with it.
  const save = (revision: number) => actions.save.mutate({ view: document, revision }, { onSuccess: close });
  const reopen = () => {
    close();
    view.reopen();
  };
  return (
    <section className="stack tight" aria-label={document.name}>
      {standing.kind === "outdated" && (
        <Notice tone="warn">
          <p>Somebody saved this view after you opened it. Your changes are not in it.</p>
          <div className="row wrap">
            <button type="button" className="button small" onClick={reopen}>
              Take theirs
            </button>
            <button type="button" className="button small danger" onClick={() => save(standing.revision)}>
              Replace it with mine
            </button>
          </div>
        </Notice>
      )}
      <div className="row wrap">
        {standing.kind === "changed" && (
          <>
            <button
              type="button"
              className="button primary"
              disabled={actions.save.isPending}
              onClick={() => save(search.rev ?? document.revision)}
            >
              Save
            </button>
            <button type="button" className="button" onClick={reopen}>
              Undo changes
            </button>
          </>
        )}
        <button
          type="button"
          className="button"
          onClick={() => wish({ kind: "create", name: `${document.name} (copy)` })}
        >
          Save as…
        </button>
        <button
          type="button"
          className="button"
          onClick={() => wish({ kind: "rename", view: document, name: document.name })}
        >
          Rename…
        </button>
        <CopyLink id={document.id} />
        <button
          type="button"
          className="button danger"
          onClick={() => wish({ kind: "remove", view: document })}
        >
          Delete…
        </button>
        <button
          type="button"
          className="button ghost"
          onClick={() => {
            close();
            view.leave();
          }}
        >
          Leave it
        </button>
      </div>
      {error && standing.kind !== "outdated" && <Notice tone="bad">{error.message}</Notice>}
    </section>
  );
}

function CopyLink({ id }: { id: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const { origin, pathname } = window.location;
    await navigator.clipboard?.writeText(`${origin}${pathname}?view=${encodeURIComponent(id)}`);
    setCopied(true);
  };
  return (
    <button type="button" className="button" onClick={() => void copy()}>
      <Icon name="link" size={14} /> <span role="status">{copied ? "Copied" : "Copy link"}</span>
    </button>
  );
}

function List(props: { project: string | undefined; open: string | undefined; close: () => void }) {
  const { project, open, close } = props;
  const list = useQuery(viewsQuery(project));
  if (list.isPending) return <Loading lines={2} />;
  if (list.isError) return <ErrorNotice error={list.error} retry={() => void list.refetch()} />;
  const found = list.data.documents;
  if (found.length === 0) {
    return (
      <p className="muted small">
        No view is saved yet. A view keeps the query, columns, groups and charts under a name and a link that
        others can open.
      </p>
    );
  }
  return (
    <ul className="view-list" aria-label="Saved views">
      {found.map((line) => (
        <li key={line.id}>
          <ViewLink
            line={line}
            own={line.project === (project ?? null)}
            open={line.id === open}
            close={close}
          />
        </li>
      ))}
    </ul>
  );
}

function ViewLink(props: { line: ViewLine; own: boolean; open: boolean; close: () => void }) {
  const { line, own, open, close } = props;
  const common = {
    search: { view: line.id },
    className: `view-link ${open ? "active" : ""}`,
    onClick: close,
    "aria-current": open ? ("true" as const) : undefined,
  };
  const text = (
    <>
      <span className="truncate grow">{line.name}</span>
      {!own && <span className="faint small">{line.project ?? "all runs"}</span>}
      <span className="faint small" title={`saved by ${line.owner}`}>
        {formatAge(line.updated_at, Date.now())}
      </span>
    </>
  );
  return line.project === null ? (
    <Link to="/" {...common}>
      {text}
    </Link>
  ) : (
    <Link to="/p/$project" params={{ project: line.project }} {...common}>
      {text}
    </Link>
  );
}
