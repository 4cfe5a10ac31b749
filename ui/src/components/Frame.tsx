/** The frame around every page: navigation, projects, colour scheme, connection, shortcuts. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { connectionState, listen, onConnection } from "~/api/live";
import { infoQuery, projectsQuery } from "~/api/queries";
import type { Theme } from "~/model/theme";
import { ErrorBoundary } from "./ErrorBoundary";
import { useKey } from "./hooks";
import { Icon, type IconName } from "./Icon";
import { Segments } from "./parts";
import { Shortcuts } from "./Shortcuts";
import { setTheme, useTheme } from "./theme";

function NavLink(props: { to: string; icon: IconName; exact?: boolean; children: ReactNode }) {
  return (
    <Link
      to={props.to}
      className="nav-link"
      activeOptions={{ exact: props.exact ?? false, includeSearch: false }}
      activeProps={{ className: "active" }}
    >
      <Icon name={props.icon} /> {props.children}
    </Link>
  );
}

function Projects() {
  const projects = useQuery(projectsQuery()).data?.projects ?? [];
  if (projects.length === 0) return null;
  return (
    <div>
      <div className="nav-title" id="nav-projects">
        Projects
      </div>
      <ul aria-labelledby="nav-projects">
        {projects.map((project) => (
          <li key={project.name}>
            <Link
              to="/p/$project"
              params={{ project: project.name }}
              className="nav-link"
              activeOptions={{ includeSearch: false }}
              activeProps={{ className: "active" }}
              title={project.description || project.name}
            >
              <span className="truncate">{project.name}</span>
              <span className="count">{project.run_count}</span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

function ThemeChoice() {
  return (
    <Segments<Theme>
      label="Colour scheme"
      value={useTheme()}
      onChange={setTheme}
      options={[
        ["system", <Icon key="s" name="system" size={14} />, "As the system"],
        ["light", <Icon key="l" name="sun" size={14} />, "Light"],
        ["dark", <Icon key="d" name="moon" size={14} />, "Dark"],
      ]}
    />
  );
}

function HubLine() {
  const info = useQuery(infoQuery()).data;
  if (!info) return null;
  return (
    <div
      className="faint small truncate"
      title={`${info.user} (${info.role}) on ${info.host}, ${info.store}`}
    >
      {info.host} · {info.version}
    </div>
  );
}

function ConnectionBanner() {
  const state = useSyncExternalStore(onConnection, connectionState);
  if (state !== "away") return null;
  return (
    <div className="banner" role="status">
      <Icon name="warn" /> The hub does not answer. Trainings go on without it; this page reconnects by
      itself.
    </div>
  );
}

export function Frame() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const path = useLocation({ select: (location) => location.pathname });
  const [help, setHelp] = useState(false);
  const [menu, setMenu] = useState(false);

  useEffect(() => listen(queries), [queries]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(() => setMenu(false), [path]);
  useKey("?", () => setHelp((open) => !open));
  useKey("/", () => document.querySelector<HTMLInputElement>("[data-search]")?.focus());
  useKey("r", () => void navigate({ to: "/" }));
  useKey("d", () => void navigate({ to: "/datasets" }));
  useKey("a", () => void navigate({ to: "/adapters" }));
  useKey("m", () => void navigate({ to: "/metrics" }));
  useKey("x", () => void navigate({ to: "/deleted" }));

  return (
    <div className="frame">
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <nav className={`nav ${menu ? "open" : ""}`} aria-label="Main">
        <Link to="/" className="brand">
          <img src="/icon.svg" alt="" /> Experiment Hub
        </Link>
        <button
          type="button"
          className="button ghost icon nav-toggle"
          aria-expanded={menu}
          aria-label="Menu"
          onClick={() => setMenu((open) => !open)}
        >
          <Icon name="menu" />
        </button>
        <ul className="nav-fold">
          <li>
            <NavLink to="/" icon="runs" exact>
              Runs
            </NavLink>
          </li>
          <li>
            <NavLink to="/datasets" icon="data">
              Datasets
            </NavLink>
          </li>
          <li>
            <NavLink to="/adapters" icon="adapter">
              Adapters
            </NavLink>
          </li>
          <li>
            <NavLink to="/metrics" icon="metric">
              Metrics
            </NavLink>
          </li>
          <li>
            <NavLink to="/deleted" icon="trash">
              Deleted
            </NavLink>
          </li>
        </ul>
        <div className="nav-fold">
          <Projects />
        </div>
        <div className="nav-foot nav-fold">
          <HubLine />
          <div className="row">
            <ThemeChoice />
            <button
              type="button"
              className="button ghost icon"
              aria-label="Keyboard shortcuts"
              onClick={() => setHelp(true)}
            >
              <kbd>?</kbd>
            </button>
          </div>
        </div>
      </nav>
      <main className="main" id="content" tabIndex={-1}>
        <ConnectionBanner />
        <ErrorBoundary resetKey={path}>
          <Outlet />
        </ErrorBoundary>
      </main>
      {help && <Shortcuts close={() => setHelp(false)} />}
    </div>
  );
}
