/** A tag as a person types it: `name=value`, `name: value`, or a name alone. */

export interface Tag {
  name: string;
  value: string;
}

/** A name alone is a mark: its value is `true`. Undefined while there is no name. */
export function readTag(text: string): Tag | undefined {
  const match = /^\s*([^=:]+?)\s*(?:[=:]\s*(.*?)\s*)?$/.exec(text);
  const name = match?.[1];
  if (!name) return undefined;
  return { name, value: match[2] || "true" };
}
