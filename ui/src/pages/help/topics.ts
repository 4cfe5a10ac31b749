/** The help page's texts: short answers, each with what to type. They say only what is so in this version. */

export interface Topic {
  id: string;
  title: string;
  text: string;
  /** Commands or queries, with what they do. */
  examples?: readonly (readonly [string, string])[];
}

export const TOPICS: readonly Topic[] = [
  {
    id: "start",
    title: "Start a first run",
    text: "Runs appear here while they go on. The demo needs nothing but the hub itself.",
    examples: [
      ["mlhub demo", "trains and compares three models on a real data set"],
      ["mlhub run experiment.yaml", "runs an experiment, one run per seed"],
      ["mlhub run experiment.yaml --dry-run", "prints what would happen, and where each value comes from"],
    ],
  },
  {
    id: "find",
    title: "Find runs",
    text: "The box above the runs table takes a query; it completes names while you type. A text in quotes alone is looked for in ids, names, experiments, adapters and tags. Mistakes are shown where they are.",
    examples: [
      ["metrics.acc > 0.9 and params.lr = 0.01", "last logged metrics and params"],
      ["state = running and started > -2h", "what started in the last two hours"],
      ["eval.test.accuracy >= 0.95 and not tags.broken", "evaluated metrics; a tag that is missing or false"],
      ["min(metrics.loss) < 0.1", "the smallest value of a whole curve"],
      ["group.mean(metrics.acc) > 0.9 and group.count >= 3", "over the runs of the same seed group"],
      ["params.optimizer in ('adam', 'sgd')", "one of several"],
      ["name like 'resnet%' or name ~ '^run-\\d+$'", "a pattern, or a regular expression"],
      ["duration > 1h30m and tags.owner is null", "lengths, and what is missing"],
      ["deleted > -30d", "deleted runs, which are hidden otherwise"],
    ],
  },
  {
    id: "link",
    title: "Send a link to what you see",
    text: "The address holds the query, the order, the groups and the columns. Whoever opens it sees the same, with the data of that moment.",
  },
  {
    id: "compare",
    title: "Compare runs",
    text: "Check runs in the table and press Compare. Values come with their intervals; runs of one seed group are summed up with mean and deviation. Where nothing can be concluded, the page says why.",
  },
  {
    id: "failed",
    title: "Find out why a run failed",
    text: "Home lists the newest failures with their reason. The run's page shows the reason with the lines of the log that prove it, and what each attempt ended with.",
    examples: [
      ["state in (failed, lost) and started > -1d", "what went wrong since yesterday"],
      ["mlhub doctor", "checks the hub's own data"],
    ],
  },
  {
    id: "data",
    title: "Register data",
    text: "A data set has versions; each has a fingerprint of its content. A run names the version it was trained on, so that two runs on different data are never compared unseen.",
    examples: [
      ["mlhub dataset add digits.csv", "checks the format, counts, and takes a fingerprint"],
      ["dataset = 'digits@1'", "the runs on that version"],
    ],
  },
  {
    id: "python",
    title: "Log from Python",
    text: "Logging writes into a file of the run and returns; a program of its own ships it, so a hub that is away costs nothing.",
    examples: [
      [
        'import mlhub\n\nwith mlhub.init(project="digits", config={"lr": 0.1}) as run:\n    run.log({"train/loss": 0.5}, step=1)',
        "one run with one value",
      ],
    ],
  },
  {
    id: "models",
    title: "Register and promote a model",
    text: "The overview of a run has a button that registers its files as a version of a model. Promoting gives a version an alias, such as champion; what is deployed asks for the alias. A protected alias is given past its gate only, and what the gate said stays in the model's trail.",
    examples: [
      ["mlhub registry add digits --run RUN --path model", "registers a version"],
      ["mlhub registry promote digits 2 --alias champion --gate gate.toml", "past a gate"],
    ],
  },
  {
    id: "delete",
    title: "Delete and bring back",
    text: "Deleted runs lie on the page Deleted and can be restored until they are purged. What a purge frees is counted before it is done, and every deletion is in the ledger.",
  },
  {
    id: "notices",
    title: "Be told when a run ends",
    text: "The bell lists the ends of your runs, and of runs you watch, while a tab of the hub is open. In the settings the browser can be asked to tell it outside the page. Nothing is sent over anybody else's server.",
  },
  {
    id: "away",
    title: "When the hub is away",
    text: "Trainings go on and keep what they log on their own disk; it is shipped when the hub is back. This page says so at its top and reconnects by itself.",
    examples: [["mlhub serve", "starts the hub"]],
  },
  {
    id: "colours",
    title: "Colours of runs",
    text: "Colour and dash pattern of a run follow from its id: they are the same on every page and machine. The palette is measured for the usual kinds of colour blindness.",
  },
];

/** All that a topic is found by. */
export function topicText(topic: Topic): string {
  const examples = (topic.examples ?? []).flat().join(" ");
  return `${topic.title} ${topic.text} ${examples}`.toLowerCase();
}
