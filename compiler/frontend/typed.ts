/** The fields that every section with a `type:` has beside those of its word. */
import { WARMUP, type ObjectShape } from './language';

export const TYPED: ObjectShape = {
  required: ['type'],
  fields: { type: { description: 'What it is.', type: 'string' } },
};

export const SCHEDULE: ObjectShape = { ...TYPED, fields: { ...TYPED.fields, warmup: WARMUP } };
