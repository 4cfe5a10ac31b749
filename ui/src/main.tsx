/** Starts the application. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/http";
import { applySettings } from "./components/settings";
import { applyTheme } from "./components/theme";
import { beginEarly } from "./early";
import { router } from "./router";
import "uplot/dist/uPlot.min.css";
import "./tokens.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/overlays.css";
import "./styles/places.css";
import "./styles/columns.css";
import "./styles/runs.css";
import "./styles/query.css";
import "./styles/media.css";
import "./styles/charts.css";
import "./styles/analysis.css";
import "./styles/run.css";
import "./styles/try.css";
import "./styles/new.css";
import "./styles/compare.css";
import "./styles/report.css";
import "./styles/trust.css";
import "./styles/models.css";

const RETRIES_MAX = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Events say when something changed, so answers stay fresh until then.
      staleTime: 30_000,
      // What the hub refused it will refuse again; only silence and its own faults are retried.
      retry: (count, error) =>
        count < RETRIES_MAX && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

beginEarly(queries, window.location.pathname);
applyTheme();
applySettings();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root element");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
