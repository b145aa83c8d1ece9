/** A curve in the terminal: dots of Braille, two wide and four high in a character, with the range of both axes. */

export interface PlotOptions {
  readonly width?: number;
  readonly height?: number;
  /** How the ends of the axes are written. */
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
}

const BLANK = 0x2800;
/** Bits of the dots of a character: the left column from above, then the right one. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Points are joined from one to the next; `x` rises. */
export function plot(points: readonly (readonly [x: number, y: number])[], options: PlotOptions): string {
  const { width = 64, height = 14 } = options;
  if (points.length === 0) return '';
  const cells = new Uint8Array(width * height);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const column = (x: number): number => Math.round(((x - x0) / (x1 - x0 || 1)) * (2 * width - 1));
  const row = (y: number): number => Math.round(((y1 - y) / (y1 - y0 || 1)) * (4 * height - 1));
  const dot = (c: number, r: number): void => {
    cells[Math.floor(r / 4) * width + Math.floor(c / 2)]! |= DOTS[c % 2 === 0 ? 0 : 1][r % 4]!;
  };
  points.forEach(([x, y], i) => {
    const [c, r] = [column(x), row(y)];
    const [before] = points.slice(Math.max(0, i - 1));
    const [fromC, fromR] = [column(before![0]), row(before![1])];
    const count = Math.max(1, Math.abs(c - fromC), Math.abs(r - fromR));
    for (let k = 0; k <= count; k++) {
      dot(Math.round(fromC + ((c - fromC) * k) / count), Math.round(fromR + ((r - fromR) * k) / count));
    }
  });
  const [high, low] = [options.y(y1), options.y(y0)];
  const margin = Math.max(high.length, low.length);
  const lines = Array.from({ length: height }, (_, line) => {
    const label = line === 0 ? high : line === height - 1 ? low : '';
    const characters = cells.subarray(line * width, (line + 1) * width);
    return `${label.padStart(margin)} ┤${String.fromCharCode(...Array.from(characters, (bits) => BLANK + bits))}`;
  });
  const [left, right] = [options.x(x0), options.x(x1)];
  const axis = `${' '.repeat(margin)} └${'─'.repeat(width)}`;
  const ends = `${' '.repeat(margin + 2)}${left}${right.padStart(Math.max(right.length + 1, width - left.length))}`;
  return [...lines, axis, ends, ''].join('\n');
}
