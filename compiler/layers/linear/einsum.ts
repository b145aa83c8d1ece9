/** Sums of products by an equation. */
import { MANY, defineLayer } from '../define';
import { wordOf } from '../fields';
import { requireFloat } from '../window';
import { contract } from './contraction';
import { bind, equationOf } from './equation';

export const equationField = (description: string) => ({
  description: `${description} A letter for each axis of each input, \`->\`, the letters of the output; \`...\` stands for any number of axes.`,
  type: 'string',
  minLength: 1,
  maxLength: 500,
});

export const einsum = defineLayer({
  type: 'einsum',
  summary: 'Sums of products of its inputs over named axes.',
  details: [
    'Axes of one letter run together, and what the output lacks is summed over: `nij,njk->nik` is a batched matrix product, `nii->ni` a diagonal, `nij->nji` a transposition, `ni,nj->nij` an outer product. Without `->` the output has the letters that stand in one place, in alphabetical order, as in NumPy and PyTorch.',
    'Axes under `...` are matched from the last and broadcast; axes of one letter must agree. The equation names the batch axis too. It becomes matrix products, two inputs at a time in the order that multiplies least.',
  ].join('\n\n'),
  example: "{name: scores, type: einsum, inputs: [query, key], equation: 'nchw,nkhw->nck'}",
  fields: { equation: equationField('What is multiplied and summed.') },
  required: ['equation'],
  // A training batch has N samples in every input; what has no batch axis is tested in prediction.
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 5] }, { shape: ['N', 4, 3, 5] }], fields: { equation: 'nchw,nkhw->nck' } },
    { name: 'diagonal', inputs: [{ shape: ['N', 3, 3] }], fields: { equation: 'nii->ni' } },
    { name: 'trace', inputs: [{ shape: ['N', 5, 3, 3] }], fields: { equation: 'nijj->ni' } },
    { name: 'sum and transposition', inputs: [{ shape: ['N', 2, 3, 5] }], fields: { equation: 'nabc->cna' } },
    { name: 'outer', inputs: [{ shape: ['N', 3] }, { shape: ['N', 5] }], fields: { equation: 'ni,nj->nji' } },
    { name: 'inner', inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }], fields: { equation: 'ni, ni -> n' } },
    {
      name: 'implicit',
      inputs: [{ shape: ['N', 3] }, { shape: [3, 2] }],
      fields: { equation: 'ni,ij' },
      modes: ['predict'],
    },
    { name: 'turned', inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3, 5] }], fields: { equation: 'nkm,nkj->nmj' } },
    {
      name: 'turned both',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 5, 3] }],
      fields: { equation: 'nkm,njk->njm' },
    },
    {
      name: 'broadcast',
      inputs: [{ shape: ['N', 1, 3, 2] }, { shape: [5, 2, 3] }],
      fields: { equation: '...ij,...jk->...ik' },
      modes: ['predict'],
    },
    {
      name: 'three',
      inputs: [{ shape: ['N', 3] }, { shape: [3, 5, 2] }, { shape: ['N', 5] }],
      fields: { equation: 'ni,ijk,nj->nk' },
      modes: ['predict'],
    },
    {
      name: 'four, with a diagonal',
      inputs: [{ shape: ['N', 2, 2] }, { shape: [2, 3] }, { shape: [3, 5] }, { shape: ['N', 5] }],
      fields: { equation: 'naa,ab,bc,nc->n' },
      modes: ['predict'],
    },
  ],
  arity: [1, MANY],
  activates: true,
  lower(context, inputs) {
    requireFloat(context, ...inputs);
    const bound = bind(context, equationOf(context, wordOf(context.fields, 'equation')), inputs);
    return contract(context.b, bound.operands, bound.output);
  },
});
