/** Colours, density, navigation and shortcuts. */

import { Link } from "@tanstack/react-router";
import { Panel, Segments } from "~/components/parts";
import { changeSettings, useSettings } from "~/components/settings";
import { setTheme, useTheme } from "~/components/theme";
import type { Density } from "~/model/settings";
import type { Theme } from "~/model/theme";
import { Setting } from "./Setting";
import { Toggle } from "./Toggle";

export function LookSettings() {
  const { density, navFolded, shortcuts } = useSettings();
  return (
    <Panel title="Look and keys" flush>
      <Setting
        name="Colours"
        help={
          <>
            Every pair is measured; the{" "}
            <Link className="link" to="/design">
              design page
            </Link>{" "}
            shows the figures.
          </>
        }
      >
        <Segments<Theme>
          label="Colours"
          value={useTheme()}
          onChange={setTheme}
          options={[
            ["system", "System"],
            ["light", "Light", "Light colours"],
            ["dark", "Dark", "Dark colours"],
          ]}
        />
      </Setting>
      <Setting name="Density" help="Compact shows more rows; comfortable has larger text and targets.">
        <Segments<Density>
          label="Density"
          value={density}
          onChange={(next) => changeSettings({ density: next })}
          options={[
            ["compact", "Compact"],
            ["comfortable", "Comfortable"],
          ]}
        />
      </Setting>
      <Setting name="Folded navigation" help="Icons alone, with more room for the page.">
        <Toggle label="Folded navigation" on={navFolded} change={(on) => changeSettings({ navFolded: on })} />
      </Setting>
      <Setting
        name="Single-key shortcuts"
        help="Off, only keys with Ctrl do something. Switch them off when speech input types for you."
      >
        <Toggle
          label="Single-key shortcuts"
          on={shortcuts}
          change={(on) => changeSettings({ shortcuts: on })}
        />
      </Setting>
    </Panel>
  );
}
