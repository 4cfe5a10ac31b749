/** The frame around every page: navigation, connection, messages, shortcuts, command palette. */

import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useLocation, useNavigate, useRouter } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { listen } from "~/api/live";
import { reachable } from "~/model/destinations";
import { ConnectionBanner } from "./ConnectionBanner";
import { ErrorBoundary } from "./ErrorBoundary";
import { Navigation } from "./Navigation";
import { listenForEnds } from "./notifications";
import { holdKeys } from "./palette/typeAhead";
import { RunWatch } from "./RunWatch";
import { rememberVisit } from "./recent";
import { useSettings } from "./settings";
import { useShortcutListener, useShortcuts } from "./shortcuts";
import { ToastRegion } from "./ToastRegion";
import { usePageTitle } from "./usePageTitle";

const loadPalette = () => import("./palette/CommandPalette");
const CommandPalette = lazy(loadPalette);
/** Where the browser says when it has nothing else to do. A palette that does not come is asked for again when opened. */
function preloadPalette() {
  if (!("requestIdleCallback" in window)) return;
  const waiting = requestIdleCallback(() => void loadPalette().catch(() => undefined));
  return () => cancelIdleCallback(waiting);
}

const ShortcutSheet = lazy(() => import("./ShortcutSheet"));

type Overlay = "none" | "palette" | "sheet";

function useFrameShortcuts(open: (overlay: Overlay) => void) {
  const navigate = useNavigate();
  const router = useRouter();
  const search = () => document.querySelector<HTMLInputElement>("[data-search]")?.focus();
  useShortcuts([
    { keys: "mod+k", label: "Find anything", group: "Everywhere", run: () => open("palette") },
    { keys: "/", label: "Search on this page, or write a query", group: "Everywhere", run: search },
    { keys: "?", label: "This sheet", group: "Everywhere", run: () => open("sheet") },
    ...reachable(router.routesByPath).map(({ to, label, key }) => ({
      keys: `g ${key}`,
      label,
      group: "Go to",
      run: () => void navigate({ to }),
    })),
  ]);
}

export function Frame() {
  const queries = useQueryClient();
  const path = useLocation({ select: (location) => location.pathname });
  const run = /^\/runs\/([^/]+)$/.exec(path)?.[1];
  const { navFolded } = useSettings();
  const [overlay, setOverlay] = useState<Overlay>("none");
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const title = usePageTitle(main, path);

  useEffect(preloadPalette, []);
  useEffect(() => listen(queries), [queries]);
  useEffect(() => listenForEnds(queries), [queries]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(() => setMenu(false), [path]);
  useEffect(() => {
    if (title !== "") rememberVisit(path, title);
  }, [path, title]);
  useShortcutListener();
  const open = (wanted: Overlay) => {
    if (wanted === "palette" && overlay !== "palette") holdKeys();
    setOverlay(wanted);
  };
  useFrameShortcuts(open);

  const close = () => setOverlay("none");
  return (
    <div className="frame" data-folded={navFolded || undefined}>
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <Navigation
        open={menu}
        toggle={() => setMenu((shown) => !shown)}
        openPalette={() => open("palette")}
        openSheet={() => open("sheet")}
      />
      <main className="main" id="content" tabIndex={-1} ref={main}>
        <ConnectionBanner />
        <ErrorBoundary resetKey={path}>
          <Outlet />
        </ErrorBoundary>
      </main>
      <p className="visually-hidden" role="status">
        {title}
      </p>
      {run !== undefined && <RunWatch run={run} />}
      <ToastRegion />
      <Suspense fallback={null}>
        {overlay === "palette" && <CommandPalette close={close} openSheet={() => open("sheet")} />}
        {overlay === "sheet" && <ShortcutSheet close={close} />}
      </Suspense>
    </div>
  );
}
