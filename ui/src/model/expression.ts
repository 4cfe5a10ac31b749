/**
 * Expressions over metrics: `train/loss - val/loss`, `log10(loss)`, `"a metric" * 2`.
 *
 * A name is a letter followed by letters, digits and `_ . / @ :`, so that the usual names need no
 * quotes; a slash inside a name belongs to it, and dividing two names needs spaces around it.
 * Any other name stands in double quotes. Evaluated per run, on the steps every metric has.
 */

import type { RawSeries } from "./series";

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "metric"; name: string }
  | { kind: "negate"; of: Expression }
  | { kind: "binary"; operator: Operator; left: Expression; right: Expression }
  | { kind: "call"; name: FunctionName; of: Expression[] };

type Operator = "+" | "-" | "*" | "/" | "^";

const FUNCTIONS = {
  abs: { arity: 1, run: Math.abs },
  sqrt: { arity: 1, run: Math.sqrt },
  exp: { arity: 1, run: Math.exp },
  ln: { arity: 1, run: Math.log },
  log: { arity: 1, run: Math.log },
  log2: { arity: 1, run: Math.log2 },
  log10: { arity: 1, run: Math.log10 },
  min: { arity: 2, run: Math.min },
  max: { arity: 2, run: Math.max },
} as const;
type FunctionName = keyof typeof FUNCTIONS;

export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];

/** Longest expression, and deepest nesting, that are read. */
export const EXPRESSION_LENGTH_MAX = 500;
const DEPTH_MAX = 40;
/** Most metrics one expression may name: each is fetched for every run. */
export const OPERANDS_MAX = 8;

/** A mistake, and where it is in the text. */
export interface Mistake {
  at: number;
  length: number;
  message: string;
}

export type Parsed =
  | { ok: true; expression: Expression; metrics: string[] }
  | { ok: false; mistake: Mistake };

interface Token {
  kind: "number" | "name" | "quoted" | "symbol" | "end";
  text: string;
  at: number;
  length: number;
}

class ParseError extends Error {
  readonly mistake: Mistake;
  constructor(at: number, length: number, message: string) {
    super(message);
    this.mistake = { at, length, message };
  }
}

const TOKEN =
  /\s*(?:(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[\p{L}_](?:[\p{L}\p{N}_.@:]|\/(?=[\p{L}\p{N}_]))*)|"(?<quoted>(?:[^"\\]|\\.)*)"|(?<symbol>[-+*/^(),]))/uy;

function tokens(text: string): Token[] {
  const list: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== "") {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const start = at + (text.slice(at).length - text.slice(at).trimStart().length);
    if (!match?.groups) {
      const open = text[start] === '"';
      const what = open ? "This quote is never closed" : `\`${text[start]}\` means nothing here`;
      throw new ParseError(start, open ? text.length - start : 1, what);
    }
    const { number, name, quoted, symbol } = match.groups;
    const kind =
      number !== undefined
        ? "number"
        : name !== undefined
          ? "name"
          : quoted !== undefined
            ? "quoted"
            : "symbol";
    const body = number ?? name ?? symbol ?? (quoted ?? "").replace(/\\(.)/g, "$1");
    at = TOKEN.lastIndex;
    list.push({ kind, text: body, at: start, length: at - start });
  }
  list.push({ kind: "end", text: "", at: text.length, length: 0 });
  return list;
}

class Parser {
  private place = 0;
  private depth = 0;
  private readonly list: readonly Token[];
  readonly metrics = new Set<string>();

  constructor(list: readonly Token[]) {
    this.list = list;
  }

  private get token(): Token {
    return this.list[this.place] as Token;
  }

  private take(symbol: string): boolean {
    if (this.token.kind !== "symbol" || this.token.text !== symbol) return false;
    this.place += 1;
    return true;
  }

  private fail(message: string): never {
    throw new ParseError(this.token.at, Math.max(1, this.token.length), message);
  }

  whole(): Expression {
    const expression = this.sum();
    if (this.token.kind === "end") return expression;
    if (this.token.text === ")") return this.fail("This bracket was never opened");
    return this.fail("An operator is missing before this");
  }

  private sum(): Expression {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) this.fail(`Brackets may be ${DEPTH_MAX} deep`);
    let left = this.product();
    for (;;) {
      const operator = this.take("+") ? "+" : this.take("-") ? "-" : undefined;
      if (!operator) break;
      left = { kind: "binary", operator, left, right: this.product() };
    }
    this.depth -= 1;
    return left;
  }

  private product(): Expression {
    let left = this.signed();
    for (;;) {
      const operator = this.take("*") ? "*" : this.take("/") ? "/" : undefined;
      if (!operator) return left;
      left = { kind: "binary", operator, left, right: this.signed() };
    }
  }

  private signed(): Expression {
    let negative = false;
    while (this.token.text === "-" && this.take("-")) negative = !negative;
    const of = this.power();
    return negative ? { kind: "negate", of } : of;
  }

  private power(): Expression {
    const left = this.atom();
    if (!this.take("^")) return left;
    this.depth += 1;
    if (this.depth > DEPTH_MAX) this.fail(`Powers may be ${DEPTH_MAX} deep`);
    const right = this.signed();
    this.depth -= 1;
    return { kind: "binary", operator: "^", left, right };
  }

  private atom(): Expression {
    const token = this.token;
    if (token.kind === "number") {
      this.place += 1;
      return { kind: "number", value: Number(token.text) };
    }
    if (token.kind === "quoted") {
      this.place += 1;
      return this.metric(token);
    }
    if (token.kind === "name") {
      this.place += 1;
      return this.token.text === "(" && this.token.kind === "symbol" ? this.call(token) : this.metric(token);
    }
    if (this.take("(")) {
      const inner = this.sum();
      if (!this.take(")")) this.fail("A closing bracket is missing");
      return inner;
    }
    if (token.kind === "end") this.fail("Something is missing at the end");
    return this.fail("A metric, a number or a bracket must stand here");
  }

  private metric(token: Token): Expression {
    if (token.text === "") throw new ParseError(token.at, token.length, "A metric's name is missing");
    this.metrics.add(token.text);
    if (this.metrics.size > OPERANDS_MAX) {
      throw new ParseError(
        token.at,
        token.length,
        `An expression may name ${OPERANDS_MAX} metrics; this is one more`,
      );
    }
    return { kind: "metric", name: token.text };
  }

  private call(token: Token): Expression {
    const name = FUNCTION_NAMES.find((one) => one === token.text);
    if (!name) {
      const known = FUNCTION_NAMES.join(", ");
      throw new ParseError(
        token.at,
        token.length,
        `There is no function \`${token.text}\`; there are ${known}`,
      );
    }
    this.take("(");
    const of = [this.sum()];
    while (this.take(",")) of.push(this.sum());
    if (!this.take(")")) this.fail("A closing bracket is missing");
    const { arity } = FUNCTIONS[name];
    if (of.length !== arity) {
      const wanted = arity === 1 ? "one value" : "two values";
      throw new ParseError(token.at, token.length, `\`${name}\` takes ${wanted}, not ${of.length}`);
    }
    return { kind: "call", name, of };
  }
}

export function parse(text: string): Parsed {
  try {
    if (text.length > EXPRESSION_LENGTH_MAX) {
      throw new ParseError(
        EXPRESSION_LENGTH_MAX,
        text.length,
        `At most ${EXPRESSION_LENGTH_MAX} characters are read`,
      );
    }
    const parser = new Parser(tokens(text));
    const expression = parser.whole();
    const metrics = [...parser.metrics];
    if (metrics.length === 0) throw new ParseError(0, Math.max(1, text.length), "It names no metric");
    return { ok: true, expression, metrics };
  } catch (error) {
    if (error instanceof ParseError) return { ok: false, mistake: error.mistake };
    throw error;
  }
}

/** A name as it is written in an expression. */
export function operand(name: string): string {
  return /^[\p{L}_](?:[\p{L}\p{N}_.@:]|\/(?=[\p{L}\p{N}_]))*$/u.test(name) && !name.includes('"')
    ? name
    : `"${name.replace(/["\\]/g, "\\$&")}"`;
}

const OPERATORS: Record<Operator, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": (a, b) => a ** b,
};

/** The value where every metric has the one `read` gives. */
export function value(expression: Expression, read: (metric: string) => number): number {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "metric":
      return read(expression.name);
    case "negate":
      return -value(expression.of, read);
    case "binary":
      return OPERATORS[expression.operator](value(expression.left, read), value(expression.right, read));
    case "call": {
      const [first = Number.NaN, second = Number.NaN] = expression.of.map((one) => value(one, read));
      const { run } = FUNCTIONS[expression.name];
      return (run as (a: number, b: number) => number)(first, second);
    }
  }
}

/** Values by step, the last one logged winning. */
function byStep(series: RawSeries): Map<number, number> {
  return new Map(Array.from(series.steps, (step, i) => [step, i]));
}

/**
 * The expression of one run as a series of its own: on the steps every metric has, at the time
 * the first of them was logged. Undefined where a metric is missing altogether.
 */
export function evaluate(
  parsed: { expression: Expression; metrics: readonly string[] },
  text: string,
  series: readonly RawSeries[],
): RawSeries | undefined {
  const operands = parsed.metrics.map((metric) => series.find((one) => one.metric === metric));
  const [first, ...others] = operands;
  if (!first || operands.some((one) => one === undefined)) return undefined;
  const indexes = operands.map((one) => byStep(one as RawSeries));
  const steps: number[] = [];
  const times_ms: number[] = [];
  const values: number[] = [];
  for (const [step, i] of indexes[0] as Map<number, number>) {
    if (indexes.some((index) => !index.has(step))) continue;
    const read = (metric: string) => {
      const at = parsed.metrics.indexOf(metric);
      return operands[at]?.values[indexes[at]?.get(step) ?? -1] ?? Number.NaN;
    };
    steps.push(step);
    times_ms.push(first.times_ms[i] as number);
    values.push(value(parsed.expression, read));
  }
  return {
    run: first.run,
    metric: text,
    steps: Float64Array.from(steps),
    times_ms: Float64Array.from(times_ms),
    values: Float64Array.from(values),
    origin_ms: first.origin_ms,
    exact: first.exact && others.every((one) => one?.exact),
    total: steps.length,
    non_finite: values.filter((one) => !Number.isFinite(one)).length,
  };
}
