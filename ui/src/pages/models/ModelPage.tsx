/** One registered model: its versions, what its aliases name, what people say of it, and the trail. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type ModelChange, registeredModelQuery, registry } from "~/api/registry";
import type { RegisteredModelView } from "~/api/types";
import { Breadcrumbs } from "~/components/Breadcrumbs";
import { Description } from "~/components/Description";
import { useNow } from "~/components/hooks";
import { ActionMenu } from "~/components/Menu";
import { NameField } from "~/components/NameField";
import { usePageActions } from "~/components/pageActions";
import { ErrorNotice, Loading, Panel } from "~/components/parts";
import { TagsEditor } from "~/components/TagsEditor";
import { shellWord } from "~/model/artifactTree";
import { formatAgo, formatTime, plural } from "~/model/format";
import { DESCRIPTION_MAX, NAME_MAX } from "~/model/registry";
import { AliasesPanel } from "./AliasesPanel";
import { RemoveModel } from "./RemoveDialog";
import { Trail } from "./Trail";
import { useRegistry } from "./useRegistry";
import { VersionsPanel } from "./VersionsPanel";

const route = getRouteApi("/models/$name");

export function ModelPage() {
  const { name } = route.useParams();
  const query = useQuery(registeredModelQuery(name));
  if (query.data && !query.isError) return <Model key={query.data.id} model={query.data} />;
  return (
    <div className="page">
      <div className="page-head">
        <Breadcrumbs items={[{ label: "Models", to: "/models" }, { label: name }]} />
        <h1>{name}</h1>
      </div>
      <div className="page-body">
        {query.isError ? (
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Loading lines={8} />
        )}
      </div>
    </div>
  );
}

/** Another name is another address: the page goes there before anything is asked under the old one again. */
function Name({ model }: { model: RegisteredModelView }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const rename = useRegistry(async (name: string) => {
    const renamed = await registry.change(model.name, { name });
    queries.setQueryData(registeredModelQuery(renamed.name).queryKey, renamed);
    await navigate({ to: "/models/$name", params: { name: renamed.name }, replace: true });
  });
  return (
    <NameField
      name={model.name}
      of="model"
      most={NAME_MAX}
      pending={rename.isPending}
      error={rename.error}
      change={(name, done) => rename.mutate(name, { onSuccess: done })}
    />
  );
}

function Actions({ model }: { model: RegisteredModelView }) {
  const [removing, setRemoving] = useState(false);
  const command = `mlhub registry show ${shellWord(model.name)}`;
  const actions = [
    {
      id: "copy",
      label: "Copy the command to show it",
      run: () => void navigator.clipboard?.writeText(command),
    },
    { id: "delete", label: "Delete the model…", danger: true, run: () => setRemoving(true) },
  ];
  usePageActions(actions.map(({ id, label, run }) => ({ id: `model-${id}`, label, run })));
  return (
    <>
      <ActionMenu label="More actions" className="button icon" button="⋯" actions={actions} />
      {removing && <RemoveModel model={model} close={() => setRemoving(false)} />}
    </>
  );
}

function Model({ model }: { model: RegisteredModelView }) {
  const now = useNow(false);
  const describe = useRegistry((change: ModelChange) => registry.change(model.name, change));
  const tag = useRegistry((change: ModelChange) => registry.change(model.name, change));
  return (
    <div className="page">
      <div className="page-head">
        <Breadcrumbs items={[{ label: "Models", to: "/models" }, { label: model.name }]} />
        <div className="row wrap">
          <Name model={model} />
          <span className="grow" />
          <Actions model={model} />
        </div>
        <div className="row wrap muted small run-facts">
          <span>{plural(model.versions, "version")}</span>
          <span title={formatTime(model.created_at)}>made {formatAgo(model.created_at, now)}</span>
          <span title={formatTime(model.updated_at)}>changed {formatAgo(model.updated_at, now)}</span>
        </div>
        <Description
          text={model.description}
          of={model.name}
          most={DESCRIPTION_MAX}
          whole
          save={(description) => describe.mutateAsync({ description })}
        />
      </div>
      <div className="page-body">
        <VersionsPanel model={model} />
        <div className="columns">
          <AliasesPanel model={model} />
          <Panel title="Tags">
            <TagsEditor
              tags={model.tags}
              pending={tag.isPending}
              error={tag.error}
              change={(tags, done) => tag.mutate({ tags }, { onSuccess: done })}
            />
          </Panel>
        </div>
        <Trail model={model} />
      </div>
    </div>
  );
}
