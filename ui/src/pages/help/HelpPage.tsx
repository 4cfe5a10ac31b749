/** Help: short, searchable answers, the query language, and the shortcuts that work now. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Command } from "~/components/Command";
import { Empty, Panel } from "~/components/parts";
import { ShortcutTables } from "~/components/ShortcutSheet";
import { QueryReference } from "./QueryReference";
import { TOPICS, type Topic, topicText } from "./topics";

function Answer({ topic }: { topic: Topic }) {
  return (
    <Panel title={topic.title}>
      <div className="stack tight">
        <p className="measure">{topic.text}</p>
        {topic.examples?.map(([text, what]) => (
          <Command key={text} text={text} what={what} />
        ))}
      </div>
    </Panel>
  );
}

export function HelpPage() {
  const [filter, setFilter] = useState("");
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = TOPICS.filter((topic) => words.every((word) => topicText(topic).includes(word)));
  const plain = words.length === 0;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Help</h1>
        <div className="toolbar">
          <input
            data-search
            type="search"
            className="input search"
            placeholder="Find an answer  ( / )"
            aria-label="Find an answer"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
          <span className="faint small">
            More is in the folder <code>docs</code> of the source. The parts of these pages are on the{" "}
            <Link className="link" to="/design">
              design page
            </Link>
            .
          </span>
        </div>
      </div>
      <div className="page-body">
        {shown.length === 0 && (
          <Empty title="No answer has these words">
            <p>
              Try one word, or look into <code>mlhub help</code>.
            </p>
          </Empty>
        )}
        <div className="answers">
          {shown.map((topic) => (
            <Answer key={topic.id} topic={topic} />
          ))}
        </div>
        {plain && <QueryReference />}
        {plain && (
          <Panel title="Keyboard shortcuts">
            <ShortcutTables />
          </Panel>
        )}
      </div>
    </div>
  );
}
