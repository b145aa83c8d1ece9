/** The learning rate stays as it is. */
import { defineSchedule } from './define';

export const constant = defineSchedule({
  type: 'constant',
  summary: 'The learning rate of the optimizer throughout.',
  example: '{type: constant}',
  fields: {},
  factor: () => 1,
});
