/** Under the query: a mistake pointed at, or names that no run has. */

import type { SearchHint } from "~/api/types";
import { Icon } from "~/components/Icon";
import { quoted } from "~/model/language";
import { around, meant, type QueryMistake, replaced } from "~/model/problem";

interface Props {
  id: string;
  query: string;
  mistake: QueryMistake | undefined;
  hints: readonly SearchHint[];
  change: (query: string) => void;
  /** Selects a place in the query box. */
  show: (position: number, length: number) => void;
}

export function QueryNotes(props: Props) {
  const { id, mistake, hints } = props;
  return (
    <div
      id={id}
      className={mistake || hints.length > 0 ? "query-notes" : "visually-hidden"}
      aria-live="polite"
    >
      {mistake ? (
        <Mistake {...props} mistake={mistake} />
      ) : (
        hints.map((hint) => <Hint key={`${hint.position}:${hint.message}`} {...props} hint={hint} />)
      )}
    </div>
  );
}

/** The text around the place with the place marked, and carets under it. */
function Pointer({ query, position, length }: { query: string; position: number; length: number }) {
  const [before, at, after] = around(query, position, length);
  const carets = `${" ".repeat([...before].length)}${"^".repeat([...at].length)}`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <pre className="query-pointer" tabIndex={0}>
      {before}
      <mark>{at}</mark>
      {after}
      {"\n"}
      <span aria-hidden="true">{carets}</span>
    </pre>
  );
}

function Mistake({ query, mistake, change, show }: Props & { mistake: QueryMistake }) {
  const { position, length, message, hint } = mistake;
  const better = meant(hint);
  return (
    <div className="query-note bad" role="alert">
      <div className="row wrap">
        <Icon name="warn" size={14} />
        <span>{message}</span>
        {hint && !better && <span className="muted">{hint}</span>}
        {better && (
          <button
            type="button"
            className="chip"
            onClick={() => change(replaced(query, position, length, better))}
          >
            did you mean <code>{better}</code>?
          </button>
        )}
        {/^[^<>=!~()"']+$/.test(query) && (
          <button type="button" className="chip" onClick={() => change(quoted(query.trim()))}>
            find the text <code>{query.trim()}</code>
          </button>
        )}
        <button type="button" className="chip" onClick={() => show(position, length)}>
          go to it
        </button>
      </div>
      <Pointer query={query} position={position} length={length} />
    </div>
  );
}

function Hint({ query, hint, change }: Props & { hint: SearchHint }) {
  const [message = ""] = hint.message.split("; did you mean");
  return (
    <div className="query-note row wrap">
      <Icon name="warn" size={14} />
      <span>{message}</span>
      {hint.suggestions.map((text) => (
        <button
          key={text}
          type="button"
          className="chip"
          onClick={() => change(replaced(query, hint.position, hint.length, text))}
        >
          did you mean <code>{text}</code>?
        </button>
      ))}
    </div>
  );
}
