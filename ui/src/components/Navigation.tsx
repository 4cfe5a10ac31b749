/** The navigation beside every page: destinations, projects, what happened, colour scheme. */

import { useQuery } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { infoQuery, projectsQuery } from "~/api/queries";
import { reachable } from "~/model/destinations";
import type { Theme } from "~/model/theme";
import { Icon, type IconName } from "./Icon";
import { NoticeButton } from "./NoticeButton";
import { Segments } from "./parts";
import { changeSettings, useSettings } from "./settings";
import { setTheme, useTheme } from "./theme";

/** Projects listed here; the projects page has all of them. */
const PROJECTS_SHOWN_MAX = 12;

function NavLink(props: { to: string; icon: IconName; children: string }) {
  return (
    <Link
      to={props.to}
      className="nav-link"
      title={props.children}
      activeOptions={{ exact: props.to === "/", includeSearch: false }}
      activeProps={{ className: "active" }}
    >
      <Icon name={props.icon} /> <span className="label truncate">{props.children}</span>
    </Link>
  );
}

function Projects() {
  const projects = useQuery(projectsQuery()).data?.projects ?? [];
  if (projects.length === 0) return null;
  const shown = projects.slice(0, PROJECTS_SHOWN_MAX);
  return (
    <div>
      <div className="nav-title" id="nav-projects">
        Projects
      </div>
      <ul aria-labelledby="nav-projects">
        {shown.map((project) => (
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
        {projects.length > shown.length && (
          <li>
            <Link to="/projects" className="nav-link">
              <span className="faint">and {projects.length - shown.length} more</span>
            </Link>
          </li>
        )}
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

function FoldButton() {
  const { navFolded } = useSettings();
  const label = navFolded ? "Show the navigation's names" : "Fold the navigation";
  return (
    <button
      type="button"
      className="button ghost icon nav-folder"
      aria-label={label}
      title={label}
      onClick={() => changeSettings({ navFolded: !navFolded })}
    >
      <Icon name={navFolded ? "unfold" : "fold"} />
    </button>
  );
}

export function Navigation(props: {
  open: boolean;
  toggle: () => void;
  openPalette: () => void;
  openSheet: () => void;
}) {
  const router = useRouter();
  const destinations = reachable(router.routesByPath).filter((one) => !one.hidden);
  const items: ReactNode = destinations.map((one) => (
    <li key={one.to}>
      <NavLink to={one.to} icon={one.icon}>
        {one.label}
      </NavLink>
    </li>
  ));
  return (
    <nav className={`nav ${props.open ? "open" : ""}`} aria-label="Main">
      <Link to="/" className="brand" title="All runs">
        <img src="/icon.svg" alt="" /> <span className="label">Experiment Hub</span>
      </Link>
      <button type="button" className="nav-find" onClick={props.openPalette} aria-label="Find anything">
        <Icon name="search" size={14} /> <span className="label grow">Find anything</span>
        <kbd className="label">Ctrl K</kbd>
      </button>
      <button
        type="button"
        className="button ghost icon nav-toggle"
        aria-expanded={props.open}
        aria-label="Menu"
        onClick={props.toggle}
      >
        <Icon name="menu" />
      </button>
      <ul className="nav-fold">{items}</ul>
      <div className="nav-fold nav-projects">
        <Projects />
      </div>
      <div className="nav-foot nav-fold">
        <HubLine />
        <div className="row wrap nav-tools">
          <ThemeChoice />
          <NoticeButton />
          <button
            type="button"
            className="button ghost icon"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts"
            onClick={props.openSheet}
          >
            <kbd>?</kbd>
          </button>
          <FoldButton />
        </div>
      </div>
    </nav>
  );
}
