/** Line icons, drawn here so that no icon font or picture is loaded. */

const PATHS = {
  runs: "M2.5 4h11M2.5 8h11M2.5 12h7",
  compare: "M5 2.5v11M11 2.5v11M2.5 6 5 3.5 7.5 6M8.5 10l2.5 2.5L13.5 10",
  data: "M2.5 4c0-1 2.5-1.5 5.5-1.5s5.5.5 5.5 1.5-2.5 1.5-5.5 1.5S2.5 5 2.5 4Zm0 0v8c0 1 2.5 1.5 5.5 1.5s5.5-.5 5.5-1.5V4M2.5 8c0 1 2.5 1.5 5.5 1.5s5.5-.5 5.5-1.5",
  adapter: "M6 2.5v3M10 2.5v3M4 5.5h8v3a4 4 0 0 1-8 0zM8 12.5v2",
  model: "M8 2.2l5.3 2.9v5.8L8 13.8l-5.3-2.9V5.1zM2.7 5.1 8 8l5.3-2.9M8 8v5.8",
  metric: "M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6",
  chevron: "m6 4 4 4-4 4",
  columns: "M3 3h10v10H3zM6.3 3v10M9.7 3v10",
  group: "M3 3h10v4H3zM5 10h8v3H5zM3 7v4.5h2",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 8.5h6l.5-8.5M7 7v4M9 7v4",
  image: "M2.5 3h11v10h-11zM2.5 11l3.2-3.2 2.5 2.5 2-2 3.3 3.2M10.6 5.8v.1",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm3.2-1.3 3.3 3.3",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M3.4 12.6l1.1-1.1M11.5 4.5l1.1-1.1",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6Z",
  system: "M2.5 3.5h11v7h-11zM6 13.5h4M8 10.5v3",
  download: "M8 2.5v7.5M5 7l3 3 3-3M3 13h10",
  close: "m4 4 8 8M12 4l-8 8",
  warn: "M8 2.5 14 13H2zM8 6.5v3M8 11.3v.2",
  check: "m3 8.5 3.2 3.2L13 5",
  stop: "M4.5 4.5h7v7h-7z",
  home: "M2.5 7.5 8 3l5.5 4.5M4 6.8V13h3v-3.5h2V13h3V6.8",
  project: "M2.5 4.5h4l1.3 1.5h5.7v7h-11z",
  report: "M4 2.5h5.5L12 5v8.5H4zM6 7h4M6 9.5h4M6 12h2.5",
  podium: "M2.5 13.5V9.5h3.7v4M6.2 13.5v-9h3.6v9M9.8 13.5V7.5h3.7v6M1.5 13.5h13",
  plus: "M8 3.5v9M3.5 8h9",
  settings: "M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3",
  help: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM6.4 6.4a1.6 1.6 0 1 1 2.3 1.5c-.5.3-.7.6-.7 1.2M8 11v.1",
  bell: "M4 11V7.2a4 4 0 0 1 8 0V11l1 1H3zM6.8 13.5h2.4",
  fold: "M3 3h10v10H3zM6.5 3v10M11 6.5 9.5 8l1.5 1.5",
  unfold: "M3 3h10v10H3zM6.5 3v10M9 6.5 10.5 8 9 9.5",
  eye: "M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8ZM8 9.7a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4Z",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
  edit: "M3 13l.6-2.6L10.8 3.2l2 2L5.6 12.4zM9.5 4.5l2 2",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  pin: "M5.5 2.5h5M6.5 2.5v4L4 9.5h8l-2.5-3v-4M8 9.5v4",
  expand: "M9.5 2.5h4v4M13.5 2.5 9 7M6.5 13.5h-4v-4M2.5 13.5 7 9",
  grip: "M6 4h.1M6 8h.1M6 12h.1M10 4h.1M10 8h.1M10 12h.1",
  corner: "M13 6.5 6.5 13M13 10.5 10.5 13",
  table: "M2.5 3h11v10h-11zM2.5 6.5h11M2.5 9.8h11M6.5 6.5V13",
  eyeOff:
    "M3.6 5.2C2.4 6.4 1.8 8 1.8 8S4 12.2 8 12.2c1 0 1.9-.3 2.7-.7M6 4.1c.6-.2 1.3-.3 2-.3 4 0 6.2 4.2 6.2 4.2s-.5 1-1.5 2.1M2.5 2.5l11 11",
  lock: "M4 7.2h8v6H4zM5.6 7.2V5.3a2.4 2.4 0 0 1 4.8 0v1.9",
  tag: "M2.5 3v4.8l5.7 5.7 5.3-5.3L7.8 2.5H3a.5.5 0 0 0-.5.5ZM5.3 5.3v.1",
  archive: "M2.5 3h11v3h-11zM3.5 6v7h9V6M6.3 8.8h3.4",
  seeds:
    "M8 13.5V7M8 9.5C8 7 6.2 5.5 3.5 5.5c0 2.7 1.8 4 4.5 4ZM8 7c0-2.4 1.6-4.2 4.5-4.5 0 3-1.8 4.5-4.5 4.5Z",
  save: "M3 3h8l2 2v8H3zM5.5 3v3.5h4V3M5.5 13V9.5h5V13",
  link: "M6.5 9.5l3-3M7 4.8l1.6-1.6a3 3 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.6 1.6a3 3 0 0 1-4.2-4.2L4.8 7",
  left: "m10 4-4 4 4 4",
  up: "M8 13V3M4.5 6.5 8 3l3.5 3.5",
  down: "M8 3v10M4.5 9.5 8 13l3.5-3.5",
  right: "m6 4 4 4-4 4",
  curve: "M2.5 12c2.5 0 2.5-7 5-7s2 5 6 5",
  both: "M2.5 3h11v10h-11zM8 3v10",
  chart: "M2.5 2.5v11h11M5 10.5l2.5-4 2.5 2 3-5",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M3 2.8v2.7h2.7",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
