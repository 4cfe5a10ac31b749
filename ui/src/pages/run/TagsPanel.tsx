/** Tags of a run, changed in place. */

import { type FormEvent, useRef, useState } from "react";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Panel } from "~/components/parts";
import { readTag } from "~/model/tag";
import { useChange } from "./useChange";

function Tag(props: { name: string; value: string; disabled: boolean; remove: () => void }) {
  const { name, value } = props;
  return (
    <li className="tag">
      <span className="tag-text">
        <span className="muted">{name}</span>
        {value !== "true" && <span>{value}</span>}
      </span>
      <button
        type="button"
        aria-label={`Remove the tag ${name}`}
        title={`Remove the tag ${name}`}
        disabled={props.disabled}
        onClick={props.remove}
      >
        <Icon name="close" size={12} />
      </button>
    </li>
  );
}

export function TagsPanel({ run }: { run: RunDetail }) {
  const [draft, setDraft] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const change = useChange(run.id);
  const tags = Object.entries(run.tags).sort(([a], [b]) => a.localeCompare(b));
  const add = (event: FormEvent) => {
    event.preventDefault();
    const tag = readTag(draft);
    if (tag) change.mutate({ tags: { [tag.name]: tag.value } }, { onSuccess: () => setDraft("") });
  };
  const remove = (name: string) =>
    change.mutate({ tags: { [name]: null } }, { onSuccess: () => field.current?.focus() });
  return (
    <Panel title="Tags">
      <div className="stack tight">
        {tags.length > 0 && (
          <ul className="tags" aria-label="Tags">
            {tags.map(([name, value]) => (
              <Tag
                key={name}
                name={name}
                value={value}
                disabled={change.isPending}
                remove={() => remove(name)}
              />
            ))}
          </ul>
        )}
        <form className="row" onSubmit={add}>
          <input
            ref={field}
            className="input grow"
            aria-label="New tag"
            placeholder="name, or name=value"
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
          />
          <button
            type="submit"
            className="button"
            disabled={change.isPending || readTag(draft) === undefined}
          >
            <Icon name="plus" size={14} /> Add
          </button>
        </form>
        {change.isError && (
          <p className="badge bad" role="alert">
            {change.error.message}
          </p>
        )}
      </div>
    </Panel>
  );
}
