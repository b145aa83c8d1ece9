/** The samples of an op on images, as they are with channels last and stored as bfloat16. */
import { tensorType } from '../../ir/types';
import { integersAttr } from '../attributes';
import type { Images, OpSample } from '../define';
import { channelsLast, CHANNELS_LAST } from './layout';

/** Values are drawn anew, so what is given literally keeps its place in memory and not in the image. */
export function withChannelsLast(sample: OpSample, images: Pick<Images, 'inputs'>): OpSample {
  const { attrs = {} } = sample;
  const shape =
    attrs['input_shape'] === undefined ? {} : { input_shape: channelsLast(integersAttr(attrs, 'input_shape')) };
  return {
    ...sample,
    name: `${sample.name}, channels last`,
    inputs: sample.inputs.map((type, i) =>
      images.inputs.includes(i) ? tensorType(type.dtype, channelsLast(type.shape)) : type,
    ),
    attrs: { ...attrs, ...shape, layout: CHANNELS_LAST },
    wrt: [],
  };
}

/** `which`: the inputs that are stored so; single numbers never are. */
export function withBfloat16(sample: OpSample, which: readonly number[]): OpSample {
  return {
    ...sample,
    ...(sample.name !== undefined && { name: `${sample.name}, bfloat16` }),
    inputs: sample.inputs.map((type, i) =>
      which.includes(i) && type.shape.length > 0 ? tensorType('bf16', type.shape) : type,
    ),
    wrt: [],
  };
}
