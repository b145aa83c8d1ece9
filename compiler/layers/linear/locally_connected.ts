/** Convolutions whose weights differ from place to place: one matrix product for each position of the window. */
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import { reshapeTo } from '../../ops/families/arithmetic';
import { slidingFields } from '../convolution/convolution';
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { initField, weightInit } from '../initial';
import type { Window } from '../window';
import { perAxisOf, reachOf, requireSpatial, SPATIAL, windowOf } from '../window';
import { contract } from './contraction';
import { tableOf } from '../table';

function defineLocallyConnected(rank: 1 | 2, example: string): LayerDef {
  const { layout } = SPATIAL[rank];
  const [out, kernel] = rank === 1 ? ["L'", 'R'] : ["H', W'", 'R, S'];
  return defineLayer({
    type: `locally_connected${rank}d`,
    summary: 'A convolution with weights of its own for every position of the window.',
    details: [
      `Input ${layout}, output [N, filters, ${out}]. For images whose places mean different things, as in aligned faces (Taigman et al. 2014). Keras had LocallyConnected${rank}D up to version 2.`,
      `Weights: \`weight\` [${out}, filters, C, ${kernel}], \`bias\` [filters, ${out}]: the input's extents are part of the weights.`,
    ].join('\n\n'),
    example,
    fields: {
      filters: positive('Number of output channels.'),
      ...slidingFields(rank),
      bias: flag('Adds a learned number to each channel at each position.', true),
      init: initField,
    },
    required: ['filters', 'kernel'],
    samples: [
      { inputs: [{ shape: rank === 1 ? ['N', 2, 5] : ['N', 2, 3, 5] }], fields: { filters: 3, kernel: 3 } },
      {
        inputs: [{ shape: rank === 1 ? ['N', 1, 7] : ['N', 1, 5, 3] }],
        fields: { filters: 2, kernel: 2, stride: 2, dilation: 2, padding: 'same', bias: false },
      },
      { inputs: [{ shape: rank === 1 ? ['N', 3, 3] : ['N', 3, 3, 2] }], fields: { filters: 1, kernel: 1 } },
    ],
    arity: [1, 1],
    activates: true,
    parameters: ['weight', 'bias'],
    lower(context, inputs) {
      const { b, fields } = context;
      const input = inputs[0]!;
      const { batch, channels, size } = requireSpatial(context, input, rank);
      const filters = numberOf(fields, 'filters');
      const window = windowOf(context, size, perAxisOf(fields, 'kernel', rank));
      const places = placesOf(size, window);
      const [positions, taps] = [elementCount(places), elementCount(window.kernel)];
      const weight = context.parameter('weight', [...places, filters, channels, ...window.kernel], {
        init: weightInit(context),
        fanIn: channels * taps,
        fanOut: filters * taps,
      });
      const seen = windowsOf(b, input, window, places);
      const output = contract(
        b,
        [
          { value: reshapeTo(b, seen, [batch, channels, taps, positions]), axes: ['n', 'c', 'k', 'p'] },
          { value: reshapeTo(b, weight, [positions, filters, channels, taps]), axes: ['p', 'f', 'c', 'k'] },
        ],
        ['n', 'f', 'p'],
      );
      const shaped = reshapeTo(b, output, [batch, filters, ...places]);
      if (!flagOf(fields, 'bias')) return shaped;
      return b.op('add', [shaped, context.parameter('bias', [filters, ...places], { init: 'zeros' })]);
    },
  });
}

/** How many positions the window has along each axis. */
function placesOf(size: readonly number[], window: Window): readonly number[] {
  const reach = reachOf(window);
  return size.map((n, axis) => {
    const room = n + (window.low[axis] ?? 0) + (window.high[axis] ?? 0) - (reach[axis] ?? 1);
    return Math.floor(room / (window.stride[axis] ?? 1)) + 1;
  });
}

/** [N, C, taps, ...places]: for each tap of the kernel the elements that it meets, in the order of the kernel. */
function windowsOf(b: Builder, input: Value, window: Window, places: readonly number[]): Value {
  const [batch = 1, channels = 1] = input.type.shape;
  const [low, high] = [
    [0, 0, ...window.low],
    [0, 0, ...window.high],
  ];
  const isPadded = [...low, ...high].some((n) => n > 0);
  const padded = isPadded ? b.op('pad', [input], { low, high, interior: low.map(() => 0), value: 0 }) : input;
  const taps = window.kernel.reduce<readonly (readonly number[])[]>(
    (sofar, extent) => sofar.flatMap((at) => tableOf(extent, (i) => [...at, i])),
    [[]],
  );
  const parts = taps.map((tap) => {
    const starts = tap.map((at, axis) => at * (window.dilation[axis] ?? 1));
    const limits = starts.map((start, axis) => start + ((places[axis] ?? 1) - 1) * (window.stride[axis] ?? 1) + 1);
    const part = b.op('slice', [padded], {
      starts: [0, 0, ...starts],
      limits: [batch, channels, ...limits],
      strides: [1, 1, ...window.stride],
    });
    return b.op('reshape', [part], { shape: [batch, channels, 1, ...places] });
  });
  return parts.length === 1 ? parts[0]! : b.op('concat', parts, { axis: 2 });
}

export const locallyConnected1d = defineLocallyConnected(
  1,
  '{name: local1, type: locally_connected1d, filters: 3, kernel: 3}',
);

export const locallyConnected2d = defineLocallyConnected(
  2,
  '{name: local1, type: locally_connected2d, filters: 3, kernel: 3}',
);
