/** Tags, changed in place: each can be removed, and a field takes new ones. */

import { type FormEvent, useRef, useState } from "react";
import { readTag } from "~/model/tag";
import { Icon } from "./Icon";

/** Tags that are set, and with null removed. */
export type TagChange = Record<string, string | null>;

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

export function TagsEditor(props: {
  tags: Record<string, string>;
  pending: boolean;
  error: Error | null;
  /** Changes tags and tells when that is done. */
  change: (tags: TagChange, done: () => void) => void;
}) {
  const { pending, error, change } = props;
  const [draft, setDraft] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const tags = Object.entries(props.tags).sort(([a], [b]) => a.localeCompare(b));
  const add = (event: FormEvent) => {
    event.preventDefault();
    const tag = readTag(draft);
    if (tag) change({ [tag.name]: tag.value }, () => setDraft(""));
  };
  const remove = (name: string) => change({ [name]: null }, () => field.current?.focus());
  return (
    <div className="stack tight">
      {tags.length > 0 && (
        <ul className="tags" aria-label="Tags">
          {tags.map(([name, value]) => (
            <Tag key={name} name={name} value={value} disabled={pending} remove={() => remove(name)} />
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
        <button type="submit" className="button" disabled={pending || readTag(draft) === undefined}>
          <Icon name="plus" size={14} /> Add
        </button>
      </form>
      {error && (
        <p className="badge bad" role="alert">
          {error.message}
        </p>
      )}
    </div>
  );
}
