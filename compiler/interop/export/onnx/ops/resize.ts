/**
 * Maps along an axis that are the Resize of ONNX: enlargements by whole numbers. Runtimes compute places in float32, so
 * that other ratios would come out a little beside ours; those stay products with the map's own matrix.
 */
import type { Node } from '../../../../ir/graph';
import { integerAttr } from '../../../../ops/attributes';
import { mapOf, type SparseMap } from '../../../../ops/families/sparse-map';
import type { Emitter, Ref } from '../emitter';

type Mode = 'nearest' | 'linear';

const SETTINGS = {
  nearest: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  linear: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
} as const;

/** Weights have been through float32. */
const CLOSE = 1e-6;

/** Both axes of an image at once, where one step is made of the other. */
export function resize(node: Node, e: Emitter): Ref | undefined {
  const mode = modeOf(node);
  if (!mode) return undefined;
  const [x] = node.inputs;
  const before = e.definition(x!);
  const joined = before?.op === 'resample' && e.isReadOnce(x!) && modeOf(before) === mode;
  const steps = (joined ? [before, node] : [node]).map((step) => ({
    axis: integerAttr(step.attrs, 'axis'),
    size: integerAttr(step.attrs, 'size'),
  }));
  steps.sort((a, b) => a.axis - b.axis);
  if (steps.length === 2 && steps[0]!.axis === steps[1]!.axis) return undefined;
  const axes = steps.map(({ axis }) => axis);
  // Runtimes have bilinear maps for images alone.
  if (mode === 'linear' && (x!.type.shape.length !== 4 || axes[0]! < 2)) return undefined;
  const sizes = e.integers(steps.map(({ size }) => size));
  const from = joined ? before.inputs[0]! : x!;
  return e.op('Resize', [e.ref(from), undefined, undefined, sizes], { axes, ...SETTINGS[mode] });
}

function modeOf(node: Node): Mode | undefined {
  const extent = node.inputs[0]!.type.shape[integerAttr(node.attrs, 'axis')]!;
  const map = mapOf(node.attrs, extent);
  const times = map.size / extent;
  if (times < 2 || !Number.isInteger(times)) return undefined;
  const isMap = (expected: (i: number) => readonly (readonly [number, number])[]): boolean =>
    Array.from({ length: map.size }, (_, i) => sameRow(map, i, expected(i), extent)).every(Boolean);
  if (isMap((i) => [[Math.floor(i / times), 1]])) return 'nearest';
  const between = (i: number): readonly (readonly [number, number])[] => {
    const place = (i + 0.5) / times - 0.5;
    const low = Math.floor(place);
    return [
      [low, 1 - (place - low)],
      [low + 1, place - low],
    ];
  };
  return isMap(between) ? 'linear' : undefined;
}

/** Elements beyond the ends are those at the ends. */
function sameRow(
  { taps, indices, weights }: SparseMap,
  i: number,
  expected: readonly (readonly [number, number])[],
  extent: number,
): boolean {
  const left = new Map<number, number>();
  const add = (at: number, weight: number): void => void left.set(at, (left.get(at) ?? 0) + weight);
  for (let t = i * taps; t < (i + 1) * taps; t++) add(indices[t]!, weights[t]!);
  for (const [at, weight] of expected) add(Math.min(extent - 1, Math.max(0, at)), -weight);
  return [...left.values()].every((weight) => Math.abs(weight) < CLOSE);
}
