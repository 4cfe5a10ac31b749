/** The pages and their addresses. */

import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from "@tanstack/react-router";
import { PageError } from "./components/ErrorBoundary";
import { Frame } from "./components/Frame";
import { Empty, Loading } from "./components/parts";
import { readCompareSearch } from "./model/compare";
import { readNewSearch } from "./model/launch";
import { readLeaderboardSearch } from "./model/leaderboard";
import { readRunPageSearch } from "./model/runSearch";
import { readDeletedSearch, readRunsSearch } from "./model/search";

function readName(raw: Record<string, unknown>): { name?: string } {
  return typeof raw.name === "string" && raw.name !== "" ? { name: raw.name } : {};
}

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

export const leaderboardRoute = createRoute({
  getParentRoute: () => root,
  path: "/leaderboard",
  validateSearch: readLeaderboardSearch,
  component: lazyRouteComponent(() => import("./pages/leaderboard/LeaderboardPage"), "LeaderboardPage"),
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

export const modelsRoute = createRoute({
  getParentRoute: () => root,
  path: "/models",
  component: lazyRouteComponent(() => import("./pages/models/ModelsPage"), "ModelsPage"),
});

export const modelRoute = createRoute({
  getParentRoute: () => root,
  path: "/models/$name",
  component: lazyRouteComponent(() => import("./pages/models/ModelPage"), "ModelPage"),
});

export const modelVersionRoute = createRoute({
  getParentRoute: () => root,
  path: "/models/$name/$version",
  validateSearch: (raw: Record<string, unknown>): { metric?: string } =>
    typeof raw.metric === "string" && raw.metric !== "" ? { metric: raw.metric } : {},
  component: lazyRouteComponent(() => import("./pages/models/VersionPage"), "VersionPage"),
});

export const adaptersRoute = createRoute({
  getParentRoute: () => root,
  path: "/adapters",
  validateSearch: readName,
  component: lazyRouteComponent(() => import("./pages/adapters/AdaptersPage"), "AdaptersPage"),
});

export const homeRoute = createRoute({
  getParentRoute: () => root,
  path: "/home",
  component: lazyRouteComponent(() => import("./pages/home/HomePage"), "HomePage"),
});

export const projectsRoute = createRoute({
  getParentRoute: () => root,
  path: "/projects",
  component: lazyRouteComponent(() => import("./pages/projects/ProjectsPage"), "ProjectsPage"),
});

export const settingsRoute = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage"), "SettingsPage"),
});

export const helpRoute = createRoute({
  getParentRoute: () => root,
  path: "/help",
  component: lazyRouteComponent(() => import("./pages/help/HelpPage"), "HelpPage"),
});

export const designRoute = createRoute({
  getParentRoute: () => root,
  path: "/design",
  component: lazyRouteComponent(() => import("./pages/design/DesignPage"), "DesignPage"),
});

export const newRoute = createRoute({
  getParentRoute: () => root,
  path: "/new",
  validateSearch: readNewSearch,
  component: lazyRouteComponent(() => import("./pages/new/NewPage"), "NewPage"),
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
    <div className="page-body">
      <h1 className="visually-hidden">No such page</h1>
      <Empty title="There is no such page">
        <p>
          The address may be mistyped, or what it named is gone.{" "}
          <Link className="link" to="/">
            All runs
          </Link>{" "}
          are one step away; <kbd>Ctrl</kbd> <kbd>K</kbd> finds everything else.
        </p>
      </Empty>
    </div>
  );
}

/** In the place of a page whose files are on their way. */
function PageLoading() {
  return (
    <div className="page-body">
      <Loading lines={8} />
    </div>
  );
}

/** How long the page before stays while another's files are on their way. */
const PENDING_MS = 500;

export const router = createRouter({
  routeTree: root.addChildren([
    runsRoute,
    projectRoute,
    runRoute,
    compareRoute,
    reportsRoute,
    reportRoute,
    leaderboardRoute,
    datasetsRoute,
    datasetRoute,
    modelsRoute,
    modelRoute,
    modelVersionRoute,
    adaptersRoute,
    newRoute,
    definitionsRoute,
    deletedRoute,
    homeRoute,
    projectsRoute,
    settingsRoute,
    helpRoute,
    designRoute,
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: PageLoading,
  // There is no page before the first one: the frame is there at once.
  defaultPendingMs: 0,
  defaultPendingMinMs: 0,
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: ({ error, reset }) => <PageError error={error} retry={reset} />,
});

const leave = router.subscribe("onResolved", () => {
  router.options.defaultPendingMs = PENDING_MS;
  leave();
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
