/**
 * The memory order of images. Every op means images as [N, C, …]; with the attribute `layout: "channels_last"` those it
 * is given and gives lie as [N, …, C] instead, and so does the shape in `input_shape`. Weights, vectors and all other
 * attributes are the same in both. An op's own code sees channels first: `inEitherLayout` turns what goes in and comes
 * out. The attribute is put there by a pass, behind differentiation.
 */
import { InternalError } from '../../diagnostics/errors';
import type { Attrs } from '../../ir/graph';
import type { Shape, TensorType } from '../../ir/types';
import { elementCount, formatType, tensorType } from '../../ir/types';
import { integersAttr } from '../attributes';
import { OpTypeError, type Images, type OpDef, type RefTensor } from '../define';

export const CHANNELS_LAST = 'channels_last';

export function isChannelsLast({ layout }: Attrs): boolean {
  if (layout === undefined) return false;
  if (layout !== CHANNELS_LAST) {
    throw new OpTypeError(`attribute 'layout' is ${JSON.stringify(layout)}, expected "${CHANNELS_LAST}"`);
  }
  return true;
}

/** The axis on which the channels of an image lie. */
export function channelAxis(rank: number, attrs: Attrs): number {
  return isChannelsLast(attrs) ? rank - 1 : 1;
}

/** [N, …, C] as [N, C, …]. */
export function channelsFirst(shape: Shape): Shape {
  return [...shape.slice(0, 1), ...shape.slice(-1), ...shape.slice(1, -1)];
}

/** [N, C, …] as [N, …, C], or any list of one number for each axis. */
export function channelsLast(shape: Shape): Shape {
  return [...shape.slice(0, 1), ...shape.slice(2), ...shape.slice(1, 2)];
}

export function inEitherLayout(images: Images, op: OpDef): OpDef {
  const firstTypes = (types: readonly TensorType[], which: readonly number[]) =>
    types.map((type, i) => (which.includes(i) ? firstType(type) : type));
  return {
    ...op,
    images,
    infer(inputs, attrs, regions) {
      if (!isChannelsLast(attrs)) return op.infer(inputs, attrs, regions);
      const types = op.infer(firstTypes(inputs, images.inputs), firstAttrs(attrs), regions);
      return types.map((type, i) =>
        images.outputs.includes(i) ? tensorType(type.dtype, channelsLast(type.shape)) : type,
      );
    },
    evaluate(inputs, attrs, outputs, regions) {
      if (!isChannelsLast(attrs)) return op.evaluate(inputs, attrs, outputs, regions);
      const turned = inputs.map((input, i) => (images.inputs.includes(i) ? firstTensor(input) : input));
      const results = op.evaluate(turned, firstAttrs(attrs), firstTypes(outputs, images.outputs), regions);
      return results.map((data, i) => {
        if (!images.outputs.includes(i)) return data;
        const type = outputs[i];
        if (!type) throw new InternalError(`${op.name} is evaluated without the type of its output ${i}`);
        return lastData(data, type.shape);
      });
    },
    cost(inputs, outputs, attrs, regions) {
      if (!isChannelsLast(attrs)) return op.cost(inputs, outputs, attrs, regions);
      const [types, made] = [firstTypes(inputs, images.inputs), firstTypes(outputs, images.outputs)];
      return op.cost(types, made, firstAttrs(attrs), regions);
    },
    ...(op.grad && {
      grad(context) {
        if (isChannelsLast(context.node.attrs)) {
          throw new InternalError(`${op.name} is differentiated before its layout is chosen`);
        }
        return op.grad!(context);
      },
    }),
    ...(op.workspace && {
      workspace(inputs, outputs, attrs) {
        if (!isChannelsLast(attrs)) return op.workspace!(inputs, outputs, attrs);
        const [types, made] = [firstTypes(inputs, images.inputs), firstTypes(outputs, images.outputs)];
        return op.workspace!(types, made, firstAttrs(attrs));
      },
    }),
  };
}

function firstType(type: TensorType): TensorType {
  const rank = type.shape.length;
  if (rank < 3 || rank > 5) {
    throw new OpTypeError(`found ${formatType(type)} with channels last, expected [N, …, C] of rank 3 to 5`);
  }
  return tensorType(type.dtype, channelsFirst(type.shape));
}

function firstAttrs(attrs: Attrs): Attrs {
  if (attrs['input_shape'] === undefined) return attrs;
  return { ...attrs, input_shape: channelsFirst(integersAttr(attrs, 'input_shape')) };
}

function firstTensor({ type, data }: RefTensor): RefTensor {
  const channels = type.shape.at(-1) ?? 1;
  const plane = elementCount(type.shape.slice(1, -1));
  return { type: firstType(type), data: swapped(data, plane, channels) };
}

/** `shape` is that of the result. */
function lastData(data: Float64Array, shape: Shape): Float64Array {
  return swapped(data, shape.at(-1) ?? 1, elementCount(shape.slice(1, -1)));
}

/** [N, rows, columns] as [N, columns, rows]. */
function swapped(data: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(data.length);
  const each = rows * columns;
  for (let i = 0; i < data.length; i++) {
    const [row, column] = [Math.floor((i % each) / columns), i % columns];
    result[i - (i % each) + column * rows + row] = data[i] as number;
  }
  return result;
}
