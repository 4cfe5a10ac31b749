/** Linear scales and round ticks for the small charts. */

export function linear(domain: readonly [number, number], range: readonly [number, number]) {
  const width = domain[1] - domain[0] || 1;
  return (value: number) => range[0] + ((value - domain[0]) / width) * (range[1] - range[0]);
}

/** About `count` round values inside the domain. */
export function ticks(domain: readonly [number, number], count: number): number[] {
  const [low, high] = domain;
  if (!(high > low)) return [low];
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999) ?? raw;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const result: number[] = [];
  for (let i = first; i <= last; i += 1) result.push(Number((i * step).toPrecision(12)));
  return result;
}

/** The domain widened a little, so that marks do not touch the frame. */
export function padded(domain: readonly [number, number], share = 0.06): [number, number] {
  const width = domain[1] - domain[0];
  const pad = width > 0 ? width * share : Math.abs(domain[0]) * 0.1 || 1;
  return [domain[0] - pad, domain[1] + pad];
}
