/** The small parts pages are built from. No part fetches anything. */

import type { ReactNode } from "react";
import { seriesColor, seriesDash } from "~/model/colors";
import { stateText } from "~/model/states";
import { Command } from "./Command";
import { Icon } from "./Icon";

/** A swatch is shorter than a line; its pattern is drawn smaller, so that it shows. */
const SWATCH_SCALE = 0.6;

const STATE_TONE: Record<string, string> = {
  running: "info running",
  finished: "good",
  failed: "bad",
  stopped: "",
  lost: "warn",
  queued: "outline",
};

export function StateBadge({ state, stopping = false }: { state: string; stopping?: boolean }) {
  const leaving = stopping && (state === "running" || state === "queued");
  return (
    <span className={`badge ${STATE_TONE[state] ?? ""}`} title={stateText(state)}>
      <span className="dot" aria-hidden="true" />
      {leaving ? "stopping" : state}
    </span>
  );
}

/** The look of a run as its lines have it: colour and, where it has one, dash pattern. */
export function Swatch({ color }: { color: number }) {
  const dash = seriesDash(color);
  if (dash.length === 0) {
    return <span className="swatch" style={{ background: seriesColor(color) }} aria-hidden="true" />;
  }
  return (
    <svg className="swatch dashed" viewBox="0 0 14 5" aria-hidden="true">
      <line
        x1="0"
        x2="14"
        y1="2.5"
        y2="2.5"
        stroke={seriesColor(color)}
        strokeWidth="5"
        strokeDasharray={dash.map((part) => part * SWATCH_SCALE).join(" ")}
      />
    </svg>
  );
}

/** Text that is copied when pressed; shows `short` and copies `value`. */
export function Copy({ value, short }: { value: string; short?: string }) {
  return (
    <button
      type="button"
      className="copy"
      title={`${value}\nPress to copy`}
      aria-label={`Copy ${value}`}
      onClick={() => void navigator.clipboard?.writeText(value)}
    >
      {short ?? value}
    </button>
  );
}

export function Panel(props: { title: ReactNode; aside?: ReactNode; flush?: boolean; children: ReactNode }) {
  return (
    <section className="panel">
      <header>
        <h2 className="grow">{props.title}</h2>
        {props.aside}
      </header>
      {props.flush ? props.children : <div className="inside">{props.children}</div>}
    </section>
  );
}

/** A table's frame: scrolls sideways by itself, with the keyboard too. */
export function TableWrap({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="table-wrap" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

/** Key and value pairs; pairs without a value are left out. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  const shown = items.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (shown.length === 0) return <p className="muted">Nothing recorded.</p>;
  return (
    <dl className="facts">
      {shown.map(([key, value]) => (
        <div key={key} style={{ display: "contents" }}>
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Stat({
  label,
  value,
  title,
}: {
  label: ReactNode;
  value: ReactNode;
  title?: string | undefined;
}) {
  return (
    <div className="stat" title={title}>
      <span className="label truncate">{label}</span>
      <span className="value truncate">{value}</span>
    </div>
  );
}

export function Notice({ tone = "", children }: { tone?: "" | "warn" | "bad"; children: ReactNode }) {
  return <div className={`notice ${tone}`}>{children}</div>;
}

export function Empty(props: {
  title: string;
  children?: ReactNode;
  commands?: readonly [string, string][];
}) {
  return (
    <div className="empty">
      <h2>{props.title}</h2>
      {props.children}
      {props.commands && (
        <div className="commands">
          {props.commands.map(([command, what]) => (
            <Command key={command} text={command} what={what} />
          ))}
        </div>
      )}
    </div>
  );
}

export function ErrorNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <h3>This could not be loaded</h3>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {retry && (
        <div>
          <button type="button" className="button" onClick={retry}>
            <Icon name="reset" /> Try again
          </button>
        </div>
      )}
    </div>
  );
}

export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <div className="stack tight" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => `${90 - ((i * 23) % 50)}%`).map((width, i) => (
        <div key={`${i}-${width}`} className="skeleton" style={{ width }} />
      ))}
    </div>
  );
}

export function Segments<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, ReactNode, string?])[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset className="segments" aria-label={props.label} style={{ margin: 0, minWidth: 0 }}>
      {props.options.map(([value, content, name]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          aria-label={name}
          title={name}
          onClick={() => props.onChange(value)}
        >
          {content}
        </button>
      ))}
    </fieldset>
  );
}
