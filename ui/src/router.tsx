/** The pages and their addresses. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { PageError } from "./components/ErrorBoundary";
import { Frame } from "./components/Frame";
import { Empty } from "./components/parts";
import { readCompareSearch } from "./model/compare";
import { readDeletedSearch, readRunsSearch, readTab } from "./model/search";

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
  validateSearch: (raw: Record<string, unknown>): { tab?: ReturnType<typeof readTab> } => {
    const tab = readTab(raw.tab);
    return tab === "overview" ? {} : { tab };
  },
  component: lazyRouteComponent(() => import("./pages/run/RunPage"), "RunPage"),
});

export const compareRoute = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: readCompareSearch,
  component: lazyRouteComponent(() => import("./pages/compare/ComparePage"), "ComparePage"),
});

export const reportsRoute = createRoute({
  getParentRoute: () => root,
  path: "/reports",
  component: lazyRouteComponent(() => import("./pages/reports/ReportsPage"), "ReportsPage"),
});

export const reportRoute = createRoute({
  getParentRoute: () => root,
  path: "/reports/$id",
  validateSearch: (raw: Record<string, unknown>): { edit?: true } =>
    raw.edit === true || raw.edit === "true" ? { edit: true } : {},
  component: lazyRouteComponent(() => import("./pages/reports/ReportPage"), "ReportPage"),
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
    reportsRoute,
    reportRoute,
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
