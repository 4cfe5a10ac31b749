/** A project's description: shown, and edited in place. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import type { ProjectView } from "~/api/types";
import { Icon } from "~/components/Icon";

const DESCRIPTION_MAX = 2_000;

function Editor({ project, done }: { project: ProjectView; done: () => void }) {
  const queries = useQueryClient();
  const [text, setText] = useState(project.description);
  const save = useMutation({
    mutationFn: () => client.projectDescribe(project.name, text.trim()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: keys.projects });
      done();
    },
  });
  return (
    <form
      className="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <textarea
        className="textarea"
        aria-label={`Description of ${project.name}`}
        maxLength={DESCRIPTION_MAX}
        rows={3}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: the reader just asked to write here
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") done();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save.mutate();
        }}
      />
      {save.isError && (
        <p className="small bad-text" role="alert">
          Not saved: {save.error.message}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary" disabled={save.isPending}>
          Save
        </button>
        <button type="button" className="button" onClick={done}>
          Cancel
        </button>
      </div>
    </form>
  );
}

export function Description({ project }: { project: ProjectView }) {
  const [editing, setEditing] = useState(false);
  if (editing) return <Editor project={project} done={() => setEditing(false)} />;
  return (
    <div className="row top">
      <p className={`grow clamp ${project.description ? "muted" : "faint"}`}>
        {project.description || "No description."}
      </p>
      <button
        type="button"
        className="button ghost icon"
        aria-label={`Edit the description of ${project.name}`}
        title="Edit the description"
        onClick={() => setEditing(true)}
      >
        <Icon name="edit" />
      </button>
    </div>
  );
}
