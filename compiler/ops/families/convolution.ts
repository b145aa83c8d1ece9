/**
 * What the three convolution ops share. They are one sum over the same index set, each with another operand as result:
 *   y[n,k,o] = Σ x[n,c,i] · w[k,c',r]   over all taps (o, i, r) and channels c of k's group.
 * Letters: N images, C input channels, K filters; o, i, r flat positions in output plane, input plane, kernel.
 */
import type { Attrs } from '../../ir/graph';
import type { Shape, TensorType } from '../../ir/types';
import { elementCount } from '../../ir/types';
import { integerAttr } from '../attributes';
import { OpTypeError } from '../define';
import type { Window } from './spatial';
import { outputOf, requireCountable, spatialOf, tapsOf, times, windowOf } from './spatial';

export interface Convolution {
  readonly window: Window;
  readonly groups: number;
  readonly output: Shape;
}

/** Checks shapes of image and weight against each other and the attributes. */
export function convolutionOf(x: TensorType, w: TensorType, attrs: Attrs): Convolution {
  const spatial = spatialOf(x, 'input');
  const kernel = spatialOf(w, 'weight');
  const groups = integerAttr(attrs, 'groups', 1);
  if (kernel.length !== spatial.length) {
    throw new OpTypeError(
      `the weight has a ${times(kernel)} kernel for an input of ${times(spatial)}: their ranks differ`,
    );
  }
  const [images = 0, channels = 0] = x.shape;
  const [filters = 0, perGroup = 0] = w.shape;
  if (channels !== perGroup * groups) {
    throw new OpTypeError(
      `input has ${channels} channels but the weight expects ${perGroup * groups} (groups ${groups})`,
    );
  }
  if (filters % groups !== 0) {
    throw new OpTypeError(`${filters} filters cannot be split into ${groups} groups`);
  }
  const window = windowOf(spatial, kernel, attrs, true);
  return { window, groups, output: requireCountable([images, filters, ...outputOf(window)], 'output') };
}

/** Calls `visit` with flat positions (in y, x and w) of every product of the sum above. */
export function forEachProduct(
  x: Shape,
  w: Shape,
  { window, groups, output }: Convolution,
  visit: (y: number, x: number, w: number) => void,
): void {
  const [images = 0, channels = 0] = x;
  const [filters = 0, perGroup = 0] = w;
  const taps = tapsOf(window);
  const inputPlane = elementCount(window.input);
  const outputPlane = elementCount(output.slice(2));
  const kernelSize = elementCount(window.kernel);
  for (let n = 0; n < images; n++) {
    for (let k = 0; k < filters; k++) {
      const group = Math.floor(k / (filters / groups));
      for (let c = 0; c < perGroup; c++) {
        const yStart = (n * filters + k) * outputPlane;
        const xStart = (n * channels + group * perGroup + c) * inputPlane;
        const wStart = (k * perGroup + c) * kernelSize;
        for (let t = 0; t < taps.length; t++) {
          visit(
            yStart + (taps.output[t] as number),
            xStart + (taps.input[t] as number),
            wStart + (taps.tap[t] as number),
          );
        }
      }
    }
  }
}

/** Multiplies and adds of any of the three, padding counted: two for each output element and weight it sees. */
export function convolutionFlops(output: Shape, weight: Shape): number {
  return 2 * elementCount(output) * elementCount(weight.slice(1));
}

/** The attributes that the three ops have in common, to hand on to each other's gradients. */
export function sharedAttrs({ stride, padding_low, padding_high, dilation, groups }: Attrs): Attrs {
  if (!stride || !padding_low || !padding_high || !dilation || !groups) {
    throw new OpTypeError('a convolution needs stride, padding_low, padding_high, dilation and groups');
  }
  return { stride, padding_low, padding_high, dilation, groups };
}
