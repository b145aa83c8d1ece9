/** Dense layers and embeddings. */
import type { Json } from '../../../../frontend/spec';
import type { Converter } from '../use';
import type { Extent } from '../value';
import { sampleSize } from '../value';

const innerProduct: Converter = (use) => {
  const x = use.input();
  const param = use.part('inner_product_param');
  param.ignore('engine', 'bias_filler');
  const units = param.count('num_output') ?? use.refuse('has no `num_output`');
  const given = param.number('axis', 1);
  const axis = use.axis(x, given);
  if (axis < 1 || (x.timeFirst && axis < 2)) use.refuse(`has the axis ${given}, which joins samples`);
  const features = sampleSize(x.shape.slice(axis));
  const transpose = param.flag('transpose', false);
  const bias = param.flag('bias_term', true);
  const fields: Record<string, Json> = {
    units,
    ...(axis === 1 ? {} : { axis: axis === x.shape.length - 1 ? -1 : axis }),
    ...(bias ? {} : { bias: false }),
    ...(transpose ? { transpose } : {}),
  };
  const made = use.give('dense', [x], fields, [...x.shape.slice(0, axis), units], x);
  use.learn(made, [
    {
      param: 'weight',
      shape: transpose ? [features, units] : [units, features],
      filler: [param, 'weight_filler'],
      start: 'zeros',
    },
    ...(bias ? [{ param: 'bias', shape: [units], filler: [param, 'bias_filler'] } as const] : []),
  ]);
};

const embed: Converter = (use) => {
  const x = use.integers(0);
  const param = use.part('embed_param');
  param.ignore('bias_filler');
  const vocabulary = param.count('input_dim') ?? use.refuse('has no `input_dim`');
  const units = param.count('num_output') ?? use.refuse('has no `num_output`');
  const bias = param.flag('bias_term', true);
  const shape: Extent[] = [...x.shape, units];
  const made = use.give('embedding', [x], { vocabulary, units, ...(bias ? { bias } : {}) }, shape, x);
  use.learn(made, [
    { param: 'weight', shape: [vocabulary, units], filler: [param, 'weight_filler'], start: 'zeros' },
    ...(bias ? [{ param: 'bias', shape: [units], filler: [param, 'bias_filler'] } as const] : []),
  ]);
};

export const linear: Readonly<Record<string, Converter>> = { InnerProduct: innerProduct, Embed: embed };
