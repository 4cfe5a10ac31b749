/**
 * The query: typed with completions, sent once typing pauses and no completion waits to be taken.
 * What it means is for the hub to say.
 */

import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from "react";
import { Icon } from "~/components/Icon";
import { type Completion, type Completions, complete, type Known, taken } from "~/model/complete";

const SEND_DELAY_MS = 350;

interface Props {
  query: string;
  change: (query: string | undefined) => void;
  known: Known;
  invalid: boolean;
  /** The id of what tells the mistakes. */
  notes: string;
  field: RefObject<HTMLInputElement | null>;
  /** Completions opened or closed: what stands under the box gives way to them. */
  onCompleting: (open: boolean) => void;
}

/** The text of the box; it follows the address, and the address follows it. */
function useText({ query, change }: Pick<Props, "query" | "change">) {
  const [text, setText] = useState(query);
  const committed = useRef(query);
  useEffect(() => {
    // The address changed by itself (back, a link, a suggestion): the box follows.
    if (query !== committed.current) {
      committed.current = query;
      setText(query);
    }
  }, [query]);
  const commit = (value: string) => {
    if (value === committed.current) return;
    committed.current = value;
    change(value.trim() === "" ? undefined : value);
  };
  return { text, setText, commit };
}

/** Sends the text once nothing happened to it for a while. */
function useSending(text: string, waiting: boolean, commit: (text: string) => void): void {
  const latest = useRef(commit);
  latest.current = commit;
  useEffect(() => {
    if (waiting) return;
    const timer = setTimeout(() => latest.current(text), SEND_DELAY_MS);
    return () => clearTimeout(timer);
  }, [text, waiting]);
}

function useCompletions(text: string, { known, field, onCompleting }: Props) {
  const [found, set] = useState<Completions>();
  const [active, setActive] = useState(-1);
  const setFound = (next: Completions | undefined) => {
    set(next);
    onCompleting(next !== undefined);
  };
  const close = () => {
    setFound(undefined);
    setActive(-1);
  };
  const open = (value = text, asked = false) => {
    const at = complete(value, field.current?.selectionStart ?? value.length, known);
    // Unasked, `and` and `or` are not offered after a whole condition: it may be all.
    const wanted = asked || at.from < at.to || at.options.some((option) => option.kind !== "word");
    setFound(wanted && at.options.length > 0 ? at : undefined);
    setActive(-1);
  };
  const move = (step: number) => {
    const count = found?.options.length ?? 0;
    if (count > 0) setActive((before) => (before + step + count) % count);
  };
  return { found, active, open, close, move };
}

export function QueryBox(props: Props) {
  const { field } = props;
  const { text, setText, commit } = useText(props);
  const list = useId();
  const { found, active, open, close, move } = useCompletions(text, props);
  useSending(text, found !== undefined, commit);
  const take = (option: Completion) => {
    if (!found) return;
    const next = taken(text, found, option);
    setText(next.text);
    close();
    requestAnimationFrame(() => {
      field.current?.setSelectionRange(next.caret, next.caret);
      open(next.text);
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const option = found?.options[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!found) open(text, true);
      else move(event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1);
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      open(text, true);
    } else if (event.key === "Enter") {
      if (option) take(option);
      else commit(text);
      if (!option) close();
    } else if (event.key === "Tab" && found && !event.shiftKey) {
      const first = option ?? found.options[0];
      if (!first) return;
      event.preventDefault();
      take(first);
    } else if (event.key === "Escape") {
      if (found) close();
      else if (text !== "") setText("");
      else field.current?.blur();
    }
  };
  return (
    <div className="query">
      <Icon name="search" size={14} />
      <input
        ref={field}
        data-search
        className="query-input"
        role="combobox"
        aria-label="Query"
        aria-autocomplete="list"
        aria-expanded={found !== undefined}
        aria-controls={list}
        aria-activedescendant={active >= 0 ? `${list}-${active}` : undefined}
        aria-invalid={props.invalid}
        aria-describedby={props.notes}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder="metrics.loss < 0.1 and params.lr = 0.01   ( / )"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          open(event.target.value);
        }}
        onKeyDown={onKeyDown}
        onClick={() => (found ? open() : undefined)}
        onBlur={close}
      />
      {text !== "" && (
        <button
          type="button"
          className="button ghost icon"
          aria-label="Clear the query"
          onClick={() => setText("")}
        >
          <Icon name="close" size={12} />
        </button>
      )}
      {found && <Options id={list} found={found} active={active} take={take} />}
    </div>
  );
}

function Options(props: {
  id: string;
  found: Completions;
  active: number;
  take: (option: Completion) => void;
}) {
  const { id, found, active } = props;
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    host.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <div className="options" role="listbox" id={id} aria-label="Completions" ref={host}>
      {found.options.map((option, i) => (
        <div
          key={`${option.kind}:${option.text}`}
          id={`${id}-${i}`}
          className="option"
          role="option"
          tabIndex={-1}
          aria-selected={i === active}
          // Before the box loses the focus, which would close the list.
          onPointerDown={(event) => {
            event.preventDefault();
            props.take(option);
          }}
        >
          <code className="truncate grow">{option.text}</code>
          <span className="faint small">{option.detail}</span>
        </div>
      ))}
    </div>
  );
}
