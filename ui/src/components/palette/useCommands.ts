/** What the command palette finds: page actions, pages, projects, datasets, models, adapters, runs, appearance. */

import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useLocation, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { client } from "~/api/client";
import { adaptersQuery, datasetsQuery, keys, projectsQuery } from "~/api/queries";
import { modelsQuery } from "~/api/registry";
import { reachable } from "~/model/destinations";
import { fuzzyFind } from "~/model/fuzzy";
import type { IconName } from "../Icon";
import { usePageActionList } from "../pageActions";
import { recentVisits } from "../recent";
import { changeSettings, useSettings } from "../settings";
import { setTheme } from "../theme";

export interface Command {
  id: string;
  label: string;
  /** A second, fainter text; found too. */
  hint?: string;
  /** Found too, not shown. */
  words?: string;
  icon: IconName;
  keys?: string;
  run: () => void;
}

export interface CommandGroup {
  title: string;
  commands: Command[];
}

/** The hub is asked once the typing rests. */
const TYPING_MS = 120;
const RUNS_FOUND_MAX = 8;
const SHOWN_PER_GROUP = 8;

function useResting(text: string): string {
  const [resting, setResting] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setResting(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return resting;
}

const foundRunsQuery = (text: string) =>
  queryOptions({
    queryKey: [...keys.runs, "found", text] as const,
    queryFn: ({ signal }) => client.runSearch({ text, columns: ["state"], limit: RUNS_FOUND_MAX }, signal),
    enabled: text !== "",
    placeholderData: keepPreviousData,
  });

function useNamed(): CommandGroup[] {
  const navigate = useNavigate();
  const { navFolded, density } = useSettings();
  const router = useRouter();
  const path = useLocation({ select: (location) => location.pathname });
  const projects = useQuery(projectsQuery()).data?.projects;
  const datasets = useQuery(datasetsQuery()).data?.datasets;
  const models = useInfiniteQuery(modelsQuery()).data;
  const adapters = useQuery(adaptersQuery()).data?.adapters;
  const actions = usePageActionList();
  return useMemo(() => {
    const page = actions.map(
      (one): Command => ({
        id: `action ${one.id}`,
        label: one.label,
        icon: "chevron",
        ...(one.keys && { keys: one.keys }),
        run: one.run,
      }),
    );
    const pages = reachable(router.routesByPath).map(
      (one): Command => ({
        id: `page ${one.to}`,
        label: one.label,
        words: one.words ?? "",
        icon: one.icon,
        keys: `g ${one.key}`,
        run: () => void navigate({ to: one.to }),
      }),
    );
    const recent = recentVisits()
      .filter((visit) => visit.path !== path && !pages.some((one) => one.id === `page ${visit.path}`))
      .map(
        (visit): Command => ({
          id: `recent ${visit.path}`,
          label: visit.title,
          hint: visit.path,
          icon: "reset",
          run: () => void navigate({ to: visit.path }),
        }),
      );
    const named = [
      ...(projects ?? []).map(
        (one): Command => ({
          id: `project ${one.name}`,
          label: one.name,
          hint: "project",
          icon: "project",
          run: () => void navigate({ to: "/p/$project", params: { project: one.name } }),
        }),
      ),
      ...(datasets ?? []).map(
        (one): Command => ({
          id: `dataset ${one.name}`,
          label: one.name,
          hint: "dataset",
          icon: "data",
          run: () => void navigate({ to: "/datasets/$name", params: { name: one.name } }),
        }),
      ),
      ...(models ?? []).map(
        (one): Command => ({
          id: `model ${one.name}`,
          label: one.name,
          hint: "model",
          icon: "model",
          run: () => void navigate({ to: "/models/$name", params: { name: one.name } }),
        }),
      ),
      ...(adapters ?? []).map(
        (one): Command => ({
          id: `adapter ${one.name} ${one.source}`,
          label: one.name,
          hint: one.problem ? "adapter, cannot be used" : "adapter",
          icon: "adapter",
          run: () => void navigate({ to: "/adapters", search: { name: one.name } }),
        }),
      ),
    ];
    const other = density === "compact" ? "comfortable" : "compact";
    const looks: Command[] = [
      { id: "light", label: "Light colours", icon: "sun", run: () => setTheme("light") },
      { id: "dark", label: "Dark colours", icon: "moon", run: () => setTheme("dark") },
      { id: "system", label: "Colours as the system", icon: "system", run: () => setTheme("system") },
      {
        id: "density",
        label: `Density: ${other}`,
        icon: "runs",
        run: () => changeSettings({ density: other }),
      },
      {
        id: "fold",
        label: navFolded ? "Unfold the navigation" : "Fold the navigation",
        icon: "fold",
        run: () => changeSettings({ navFolded: !navFolded }),
      },
    ];
    return [
      { title: "This page", commands: page },
      { title: "Recent", commands: recent },
      { title: "Pages", commands: pages },
      { title: "Names", commands: named },
      { title: "Appearance", commands: looks },
    ];
  }, [actions, adapters, datasets, density, models, navFolded, navigate, path, projects, router]);
}

/** What is found for the text, in groups, and whether the hub is still being asked. */
export function useCommands(text: string): { groups: CommandGroup[]; asking: boolean } {
  const navigate = useNavigate();
  const named = useNamed();
  const trimmed = text.trim();
  const resting = useResting(trimmed);
  const answer = useQuery(foundRunsQuery(resting));
  const groups = useMemo(() => {
    const found = named.map(({ title, commands }) => ({
      title,
      commands: fuzzyFind(
        trimmed,
        commands,
        (one) => `${one.label} ${one.hint ?? ""} ${one.words ?? ""}`,
      ).slice(0, trimmed === "" && title === "Recent" ? 5 : title === "Pages" ? undefined : SHOWN_PER_GROUP),
    }));
    const runs =
      trimmed === ""
        ? []
        : (answer.data?.runs ?? []).map(
            (run): Command => ({
              id: `run ${run.id}`,
              label: run.name,
              hint: `${run.project} / ${run.experiment}, ${run.state}`,
              icon: "runs",
              run: () => void navigate({ to: "/runs/$id", params: { id: run.id } }),
            }),
          );
    const all = [...found.slice(0, 3), { title: "Runs", commands: runs }, ...found.slice(3)];
    return all.filter((group) => group.commands.length > 0);
  }, [answer.data, named, navigate, trimmed]);
  return { groups, asking: trimmed !== "" && (resting !== trimmed || answer.isFetching) };
}
