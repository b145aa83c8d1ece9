/** Fields that every optimizer has under the same name; the training loop and the lowering read them by it. */
import type { FieldSchema } from '../frontend/describe';

export const lr = (byDefault?: number): FieldSchema => ({
  description: 'Learning rate, before the schedule.',
  type: 'number',
  minimum: 0,
  ...(byDefault === undefined ? {} : { default: byDefault }),
});

export const weightDecay = (how: string, byDefault = 0): FieldSchema => ({
  description: `Weight decay, ${how}. Applies to every parameter; \`parameters: {bias: {decay: 0}}\` on a layer exempts one.`,
  type: 'number',
  minimum: 0,
  default: byDefault,
});

export const fraction = (description: string, byDefault: number): FieldSchema => ({
  description,
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  default: byDefault,
});
