/** The pages and their addresses. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { PageError } from "./components/ErrorBoundary";
import { Frame } from "./components/Frame";
import { Empty } from "./components/parts";
import { readRunPageSearch } from "./model/runSearch";
import { readDeletedSearch, readRunsSearch } from "./model/search";

const root = createRootRoute({ component: Frame });

export const runsRoute = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readRunsSearch,
  component: lazyRouteComponent(() => import("./pages/runs/RunsPage"), "AllRunsPage"),
});

export const projectRoute = createRoute({
  getParentRoute: () => root,
  path: "/p/$project",
  validateSearch: readRunsSearch,
  component: lazyRouteComponent(() => import("./pages/runs/RunsPage"), "ProjectRunsPage"),
});

export const runRoute = createRoute({
  getParentRoute: () => root,
  path: "/runs/$id",
  validateSearch: readRunPageSearch,
  component: lazyRouteComponent(() => import("./pages/run/RunPage"), "RunPage"),
});

export const compareRoute = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: (raw: Record<string, unknown>): { runs?: string } =>
    typeof raw.runs === "string" && raw.runs !== "" ? { runs: raw.runs } : {},
  component: lazyRouteComponent(() => import("./pages/compare/ComparePage"), "ComparePage"),
});

export const datasetsRoute = createRoute({
  getParentRoute: () => root,
  path: "/datasets",
  component: lazyRouteComponent(() => import("./pages/datasets/DatasetsPage"), "DatasetsPage"),
});

export const datasetRoute = createRoute({
  getParentRoute: () => root,
  path: "/datasets/$name",
  validateSearch: (raw: Record<string, unknown>): { version?: number } => {
    const version = Number(raw.version);
    return Number.isInteger(version) && version > 0 ? { version } : {};
  },
  component: lazyRouteComponent(() => import("./pages/datasets/DatasetPage"), "DatasetPage"),
});

export const adaptersRoute = createRoute({
  getParentRoute: () => root,
  path: "/adapters",
  component: lazyRouteComponent(() => import("./pages/AdaptersPage"), "AdaptersPage"),
});

export const definitionsRoute = createRoute({
  getParentRoute: () => root,
  path: "/metrics",
  component: lazyRouteComponent(() => import("./pages/DefinitionsPage"), "DefinitionsPage"),
});

export const deletedRoute = createRoute({
  getParentRoute: () => root,
  path: "/deleted",
  validateSearch: readDeletedSearch,
  component: lazyRouteComponent(() => import("./pages/deleted/DeletedPage"), "DeletedPage"),
});

function NotFound() {
  return (
    <Empty title="There is no such page">
      <p>
        The address may be mistyped.{" "}
        <a className="link" href="/">
          All runs
        </a>{" "}
        are one step away.
      </p>
    </Empty>
  );
}

export const router = createRouter({
  routeTree: root.addChildren([
    runsRoute,
    projectRoute,
    runRoute,
    compareRoute,
    datasetsRoute,
    datasetRoute,
    adaptersRoute,
    definitionsRoute,
    deletedRoute,
  ]),
  defaultPreload: "intent",
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: ({ error, reset }) => <PageError error={error} retry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
