/**
 * Prints the samples of the ops that PyTorch has too, with the reference's results, as JSON: what `ops_torch.py`
 * compares. Random ops are left out, their streams are dlc's own.
 */
import type { OpDef, RefTensor } from '../../compiler/ops/define';
import { opNamed } from '../../compiler/ops/registry';
import { sampleInputs, sampleTitle } from '../../test/support/samples';

const COMPARED = [
  'conv',
  'conv_grad_input',
  'conv_grad_weight',
  'max_pool',
  'max_pool_grad',
  'avg_pool',
  'avg_pool_grad',
  'batch_norm_train',
  'batch_norm_grad',
  'layer_norm',
  'layer_norm_grad',
  'lrn',
  'lrn_grad',
  'softmax',
  'log_softmax',
  'softmax_cross_entropy',
  'softmax_cross_entropy_grad',
  'ctc_loss',
  'ctc_loss_grad',
  'in_top_k',
  'gather',
  'scatter_add',
  'gather_elements',
  'scatter_elements_add',
  'resample',
  'sort',
  'cumsum',
  'cumprod',
  'linear_recurrence',
  'reduce_prod',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'asinh',
  'acosh',
  'atanh',
  'is_nan',
  'is_finite',
  'mod',
  'atan2',
];

function plain({ type, data }: RefTensor): object {
  return { dtype: type.dtype, shape: type.shape, values: [...data] };
}

function casesOf(def: OpDef): object[] {
  return def.samples.map((sample) => {
    const attrs = sample.attrs ?? {};
    const inputs = sampleInputs(sample);
    const types = def.infer(sample.inputs, attrs);
    const results = def.evaluate(inputs, attrs, types);
    const outputs = types.map((type, k) => plain({ type, data: results[k] ?? new Float64Array() }));
    return { op: def.name, sample: sampleTitle(sample), attrs, inputs: inputs.map(plain), outputs };
  });
}

process.stdout.write(JSON.stringify(COMPARED.flatMap((name) => casesOf(opNamed(name)))));
