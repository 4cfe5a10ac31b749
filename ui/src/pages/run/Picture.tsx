/** A raster image of the hub; pressed it is shown in its own size. */

import { useState } from "react";
import { artifactUrl } from "~/api/client";
import { Icon } from "~/components/Icon";

export const UNSHOWN = "This browser cannot show it.";
/** A smaller picture is shown with its pixels, not blurred. */
const SHARP_BELOW = 160;

export function Download({ run, path, why }: { run: string; path: string; why?: string }) {
  return (
    <p className="row wrap">
      {why && <span className="muted">{why}</span>}
      <a className="button" href={artifactUrl(run, path)} download>
        <Icon name="download" /> {path.slice(path.lastIndexOf("/") + 1)}
      </a>
    </p>
  );
}

export function Picture({ run, path, name }: { run: string; path: string; name: string }) {
  const [failed, setFailed] = useState(false);
  const [large, setLarge] = useState(false);
  const [sharp, setSharp] = useState(false);
  if (failed) return <Download run={run} path={path} why={UNSHOWN} />;
  return (
    <button
      type="button"
      className={`picture ${large ? "large" : ""} ${sharp ? "sharp" : ""}`}
      aria-pressed={large}
      title={large ? "Press to fit" : "Press for its own size"}
      onClick={() => setLarge((before) => !before)}
    >
      <img
        src={artifactUrl(run, path)}
        alt={name}
        loading="lazy"
        onLoad={(event) => setSharp(event.currentTarget.naturalWidth < SHARP_BELOW)}
        onError={() => setFailed(true)}
      />
    </button>
  );
}
