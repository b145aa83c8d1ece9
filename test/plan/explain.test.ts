/** What `dlc compile --explain` says of a plain network and of one with normalizations and shortcuts. */
import { join } from 'node:path';
import { compileGraphs } from '../../compiler/compile';
import { loadSpec } from '../../compiler/frontend/load';
import { explainPlan, type ExplainedLayer } from '../../compiler/plan/explain';
import { lowerPrograms } from '../../compiler/train/programs';
import { formatExplained } from '../../cli/ui/explained';

function explained(model: string, mode: 'train' | 'predict', batch: number) {
  const spec = loadSpec(join(__dirname, '../../models', `${model}.yaml`));
  const graphs = lowerPrograms(spec, { [mode]: [batch] });
  return explainPlan(compileGraphs(spec.name, graphs).plan, graphs);
}

function layerOf(layers: readonly ExplainedLayer[], name: string): ExplainedLayer {
  return layers.find(({ layer }) => layer === name)!;
}

const brief = ({ steps }: ExplainedLayer): string[] =>
  steps.map(({ kernel, with: more, places }) => `${[kernel, ...more].join(' ')} → ${places.join(', ')}`);

test('lenet: biases and a relu in the products, updates in the states', () => {
  const [{ program, layers }] = explained('lenet', 'train', 64) as [ReturnType<typeof explained>[number]];
  expect(program).toBe('train@64');
  expect(brief(layerOf(layers, 'conv1')).slice(0, 3)).toEqual([
    'conv bias → arena',
    'conv_grad_weight → arena',
    'reduce_sum → arena',
  ]);
  expect(brief(layerOf(layers, 'conv1')).slice(3)).toEqual(
    [1, 2].map(() => 'fused_elementwise mul add mul add mul sub → state'),
  );
  expect(brief(layerOf(layers, 'fc1')).slice(0, 2)).toEqual([
    'matmul bias relu → arena',
    'fused_elementwise greater where → in place',
  ]);
  expect(layerOf(layers, 'conv1').lowered).toMatchObject({ conv: 1, conv_grad_weight: 1 });
  expect(layerOf(layers, 'conv1').steps[0]!.bytes).toBe(64 * 20 * 24 * 24 * 4);
  expect(layerOf(layers, 'conv1').steps[0]!.scratch).toBeGreaterThan(0);
});

test('lenet of few images: the gradient of the weights is made where they are updated', () => {
  const [{ layers }] = explained('lenet', 'train', 8) as [ReturnType<typeof explained>[number]];
  expect(brief(layerOf(layers, 'fc1'))).toContain('fused_matmul mul add mul add mul sub → state');
});

test('resnet20: normalizations have taken the sum and the activation; who stays alone says why', () => {
  const [{ layers }] = explained('resnet20', 'train', 2) as [ReturnType<typeof explained>[number]];
  expect(brief(layerOf(layers, 'stage1/0/bn2'))[0]).toBe('fused_batch_norm add relu channels last → arena');
  expect(layerOf(layers, 'stage1/0/sum').note).toMatch(/part of steps of its neighbours/);
  const [alone] = layerOf(layers, 'down2/bn2').steps;
  expect(alone).toMatchObject({
    kernel: 'batch_norm_train',
    why: 'what follows is no element-wise step of its shape that could run here',
  });
});

test('resnet20 predicts with packed weights, and no normalization is left', () => {
  const programs = explained('resnet20', 'predict', 1);
  expect(programs.map(({ program }) => program)).toEqual(['predict@1', 'prepare']);
  const { layers } = programs[0]!;
  expect(brief(layerOf(layers, 'stem'))).toEqual(['transpose → arena']);
  expect(brief(layerOf(layers, 'stem_bn'))).toEqual(['conv bias relu channels last weights packed before → arena']);
  expect(formatExplained(programs)).toMatch(/^program predict@1\n\nlayer +lowered to +kernel +with +gives +where/);
});
