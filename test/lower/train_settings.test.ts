/** Groups, clipping, accumulation, averages, penalties and constraints: values as PyTorch has them. */
import { compileGraphs } from '../../compiler/compile';
import { lowerTraining } from '../../compiler/lower/lower';
import { expectClose, netOf, train, weightsIn, type Trained } from '../support/two-layers';

const SGD = 'optimizer: {type: sgd, lr: 0.5, momentum: 0.9}';

// prettier-ignore
const REFERENCE = {
  "plain": [0.6027463, 0.3926357, -0.09501578, -0.3411888, -0.6327871, -0.3112683, 0.5406906, 0.5713785, 0.088876, -0.2095825, -0.3300386, -0.2943483, -0.1240995, 0.2987224, 0.06512793, 0.06563552, -0.1933475, -0.03183162, 0.2778668, 0.1349403, 0.1408856, 0.4051315, -0.6237497, -0.1836333, 0.01845062, 0.2831739],
  "global": [0.481004, 0.4946304, 0.08129354, -0.448583, -0.5990902, -0.1858463, 0.418099, 0.5952515, 0.2242396, -0.2460143, -0.5204864, -0.3598056, -0.00396628, 0.431403, 0.4321985, 0.05720195, -0.4152351, -0.2464797, 0.3041461, 0.435044, 0.3719998, 0.07596042, -0.6279674, -0.4243732, 0.3556555, 0.2636602],
  "norm": [0.5378735, 0.5108829, 0.03311908, -0.429788, -0.6600215, -0.2372395, 0.4293094, 0.5424682, 0.1847903, -0.260282, -0.536844, -0.3542893, 0.0208368, 0.4692347, 0.4311911, 0.05906394, -0.4687869, -0.3060798, 0.2471004, 0.4644717, 0.4461898, 0.02026705, -0.5552486, -0.5026548, 0.1658016, 0.2888781],
  "value": [0.5456076, 0.4728358, 0.04117095, -0.4228462, -0.6160796, -0.2083743, 0.5040359, 0.5528899, 0.1588724, -0.2869749, -0.5090827, -0.3623652, 0.07205041, 0.4445344, 0.5491554, 0.005928365, -0.3506135, -0.258746, 0.2661513, 0.5070421, 0.5427184, -0.02770987, -0.4670072, -0.584072, 0.09681395, 0.3263101],
  "value+global": [0.5250663, 0.5156574, 0.0644883, -0.4427971, -0.5955383, -0.187833, 0.4329205, 0.5734312, 0.2178526, -0.3057178, -0.5625853, -0.3431448, 0.1552064, 0.5080367, 0.4760973, -0.07584813, -0.4799446, -0.3579873, 0.1777215, 0.5275834, 0.5221771, -0.02549449, -0.4875485, -0.5635307, 0.003731847, 0.3748231],
  "groups": [0.483587, 0.505579, 0.07120253, -0.4208872, -0.5538493, -0.1752434, 0.3911991, 0.5614872, 0.2185335, -0.3001786, -0.5491489, -0.3062773, 0.1966385, 0.5588185, 0.3767434, -0.1280279, -0.3507678, -0.2445651, 0.09783666, 0.358298, 0.1590071, 0.227103, -0.5302729, -0.1819558, 0.3539003, 0.000446898],
  "two": [0.5352329, 0.2803275, -0.08758692, -0.3752209, -0.5964202, -0.25778, 0.5465099, 0.627349, 0.1130008, -0.07513829, -0.2132701, -0.3663217, -0.2606794, 0.1220428, 0.2416402, 0.2081994, -0.3103087, -0.1711014, 0.3047798, 0.3372167, 0.4265005, 0.06946143, -0.4816185, -0.495442, 0.1204879, 0.3193323],
  "ema": [0.5818674, 0.4681343, -0.03374525, -0.3824676, -0.6185555, -0.2623756, 0.4752627, 0.5407373, 0.1379109, -0.2672959, -0.4586927, -0.3054646, -0.06948278, 0.3722447, 0.2499628, 0.06062808, -0.3317613, -0.1286348, 0.279896, 0.261531, 0.3359693, 0.1659989, -0.5262678, -0.3988135, 0.2207996, 0.3384256],
  "ema start 1 every 2": [0.5813653, 0.4234485, -0.05714998, -0.3641555, -0.6132194, -0.277833, 0.5241927, 0.5362713, 0.08659165, -0.2209444, -0.3912134, -0.3157148, -0.1499413, 0.3225743, 0.2049419, 0.1094459, -0.2563694, -0.05781814, 0.3329478, 0.1784686, 0.2324219, 0.2499119, -0.5717931, -0.3172893, 0.3171295, 0.3004734],
  "swa start 2 every 2": [0.6779348, 0.3992893, -0.1666446, -0.2293999, -0.5921689, -0.4013265, 0.5161934, 0.3974999, 0.02034854, -0.2299663, -0.243519, -0.2276768, -0.1792831, 0.3071404, -0.1554079, 0.01411478, -0.1900656, 0.229783, 0.06301932, 0.06192163, 0.1555738, 0.4575469, -0.3821432, -0.06384478, -0.1664933, 0.06369216],
  "lookahead": [0.6011992, 0.421396, -0.07808189, -0.3366039, -0.6227468, -0.3104816, 0.524708, 0.5377184, 0.0868505, -0.2419331, -0.3663235, -0.2814101, -0.09289825, 0.3611327, 0.1623093, 0.03911849, -0.3053032, -0.07448796, 0.2951191, 0.2494616, 0.2555263, 0.3589359, -0.5819874, -0.3135333, 0.1336122, 0.2913985],
  "regularized": [0.5568004, 0.3684974, -0.09926772, -0.2952186, -0.5633833, -0.2538236, 0.4645451, 0.5071904, 0.06439698, -0.1686863, -0.3029989, -0.2544943, -0.2049463, 0.2077891, 0.06638911, 0.1573194, -0.09636696, -0.03561121, 0.1212488, -0.006712089, 0.001183986, 0.2477755, -0.615394, -0.07985031, 0.06982315, 0.2980334],
  "constraints": [0.5404575, 0.4404122, -0.06279148, -0.2440436, -0.4749828, -0.2877313, 0.4473448, 0.4738383, 0.1225916, -0.2917169, -0.4514718, -0.2529602, 0, 0.4806132, 0.4440017, 0.4658733, -0.2144131, -0.279821, -0.2523885, -0.1638778, -0.04752579, -0.05079072, -0.3, -0.09004279, 0.9833091, 0.181943],
} as const;

test('plain steps, to begin with', () => {
  expectClose(train(netOf(`steps: 4, ${SGD}`)).weights, REFERENCE.plain);
});

describe('clipping', () => {
  test.each([
    ['global', '{global_norm: 0.3}', [1.353240951, 0.997793821, 0.789409324, 0.953027141]],
    ['norm', '{norm: 0.1}', undefined],
    ['value', '{value: 0.05}', undefined],
    ['value+global', '{global_norm: 0.1, value: 0.05}', [0.229047908, 0.249068967, 0.22615577, 0.224136159]],
  ] as const)('by %s', (name, clip, norms) => {
    const { weights, steps } = train(netOf(`steps: 4, clip: ${clip}, ${SGD}`));
    expectClose(weights, REFERENCE[name]);
    if (norms)
      expectClose(
        steps.map((step) => step['grad_norm']!),
        norms,
      );
    else expect(steps.every((step) => !('grad_norm' in step))).toBe(true);
  });

  test('a norm that is not finite stops the step', () => {
    const spec = netOf(`steps: 1, clip: {global_norm: 1}, ${SGD}`);
    const { graph } = lowerTraining(spec, 3);
    const checks = graph.nodes.filter(({ op }) => op === 'check_finite').map(({ attrs }) => attrs['what']);
    expect(checks).toEqual(['the loss', 'the norm of the gradients']);
  });
});

describe('groups', () => {
  const decay = 'optimizer: {type: sgd, lr: 0.5, momentum: 0.9, weight_decay: 0.1}';

  test('set factors, decay and fields of the optimizer, the later ones winning', () => {
    const groups = `[{kinds: [weight, bias], lr: 0.5}, {names: fc1, lr: 0.1}, {kinds: [bias], decay: 0},
      {names: fc2, lr: 1}, {names: "*/weight", optimizer: {momentum: 0.9}}, {names: fc2/weight, optimizer: {momentum: 0.5}}]`;
    expectClose(train(netOf(`steps: 4, groups: ${groups}, ${decay}`)).weights, REFERENCE.groups);
  });

  test('give way to what a layer says itself', () => {
    const own = {
      fc1: ', parameters: {weight: {lr: 0.1}, bias: {lr: 0.1, decay: 0}}',
      fc2: ', parameters: {bias: {decay: 0}}',
    };
    const groups =
      '[{names: "**", lr: 0.7, decay: 0.3}, {names: fc2, lr: 1, decay: 1}, {names: fc1, decay: 1}, {names: fc2/weight, optimizer: {momentum: 0.5}}]';
    expectClose(train(netOf(`steps: 4, groups: ${groups}, ${decay}`, own)).weights, REFERENCE.groups);
  });

  test('may have another optimizer, with inputs and a clock of its own', () => {
    const groups = '[{names: fc2, optimizer: {type: adam, lr: 0.1}}]';
    const spec = netOf(`steps: 4, groups: ${groups}, ${SGD}`);
    expectClose(train(spec).weights, REFERENCE.two);
    const { graph } = lowerTraining(spec, 3);
    expect(graph.inputs.map(({ name }) => name)).toContain('use1.correction1');
  });

  test('freeze, with the layer where they cover all of it', () => {
    const groups = '[{names: fc1, frozen: true}, {names: fc2/bias, frozen: true}]';
    const { updated } = train(netOf(`steps: 1, groups: ${groups}, ${SGD}`));
    expect(updated).toEqual([['fc2.weight']]);
  });

  test('grow geometrically from group to group', () => {
    const spec = netOf(`steps: 1, discriminative: {names: [fc1/weight, [fc1/bias], fc2], low: 0.01}, ${SGD}`);
    expect(spec.train!.groups.map(({ fields }) => fields['lr'])).toEqual([0.01, expect.closeTo(0.1, 12), 1]);
  });
});

describe('accumulation', () => {
  test('in three parts gives what the whole batch gives', () => {
    expectClose(train(netOf(`steps: 4, accumulate: 3, ${SGD}`)).weights, REFERENCE.plain);
  });

  test('takes a last batch that is smaller, penalties once, and counts over the whole batch', () => {
    const more = {
      losses: '[{type: mse, inputs: [fc2, y]}, {type: mae, inputs: [fc2, y], weight: 0.3}]',
      fc1: ', parameters: {weight: {l2: 0.02}}',
    };
    const of = (accumulate: number): Trained =>
      train(netOf(`epochs: 2, clip: {global_norm: 0.5}, accumulate: ${accumulate}, ${SGD}`, { ...more, batch: 4 }));
    const [whole, parts] = [of(1), of(4)];
    expectClose(parts.weights, whole.weights, 7);
    whole.steps.forEach((step, i) => {
      for (const [name, value] of Object.entries(step))
        expect([name, parts.steps[i]![name]]).toEqual([name, expect.closeTo(value, 7)]);
    });
  });

  test('needs the memory of one part', () => {
    const layers = Array.from({ length: 6 }, (_, i) => `  - {name: h${i}, type: dense, units: 64, activation: tanh}\n`);
    const arena = (accumulate: number): number => {
      const more = { layers: layers.join(''), batch: 512 };
      const spec = netOf(`steps: 1, accumulate: ${accumulate}, ${SGD}`, more);
      return compileGraphs('net', { train: lowerTraining(spec, 512).graph }).plan.programs[0]!.arenaBytes;
    };
    expect(arena(8) / arena(1)).toBeLessThan(0.3);
  });

  test('draws anew in each part, and runs statistics through all of them', () => {
    const layers = '  - {name: drop, type: dropout, rate: 0.5}\n  - {name: bn, type: batch_norm}\n';
    const { graph } = lowerTraining(netOf(`steps: 1, accumulate: 3, ${SGD}`, { layers }), 3);
    const streams = graph.nodes.filter(({ op }) => op === 'dropout').map(({ attrs }) => attrs['stream']);
    expect(new Set(streams).size).toBe(4);
    expect(graph.updates.filter(({ state }) => state.name === 'bn.mean')).toHaveLength(1);
  });
});

describe('averages', () => {
  test.each([
    ['ema', 5, 'ema: {decay: 0.8}'],
    ['ema start 1 every 2', 6, 'ema: {decay: 0.8, start: 1, every: 2}'],
    ['swa start 2 every 2', 8, 'swa: {start: 1 epochs, every: 1 epochs}'],
  ] as const)('%s', (name, steps, average) => {
    const { states } = train(netOf(`steps: ${steps}, ${average}, ${SGD}`));
    expectClose(weightsIn(states, '.average'), REFERENCE[name]);
  });

  test('are the weights themselves before they begin', () => {
    const { states } = train(netOf(`steps: 3, ema: {start: 5}, ${SGD}`));
    expect(weightsIn(states, '.average')).toEqual(weightsIn(states));
  });

  test('lookahead goes back to the slow weights', () => {
    const { weights } = train(netOf(`steps: 5, lookahead: {steps: 2, alpha: 0.5}, ${SGD}`));
    expectClose(weights, REFERENCE.lookahead);
  });
});

test('penalties on weights are part of the loss', () => {
  const own = {
    fc1: ', parameters: {weight: {l1: 0.01}, bias: {l2: 0.02}}',
    fc2: ', parameters: {weight: {orthogonal: 0.05}}',
  };
  const { weights, steps } = train(netOf(`steps: 4, groups: [{names: fc2/weight, l1: 0.01}], ${SGD}`, own));
  expectClose(weights, REFERENCE.regularized);
  const expected = [
    [0.732748043, 0.135236352],
    [1.179639042, 0.129314415],
    [0.434757507, 0.12224428],
    [1.006677984, 0.122409677],
  ];
  expectClose(
    steps.map(({ loss }) => loss!),
    expected.map(([loss]) => loss!),
  );
  expectClose(
    steps.map((step) => step['penalties/*/sum']!),
    expected.map(([, penalty]) => penalty!),
  );
});

test('constraints hold after every step', () => {
  const own = {
    fc1: ', parameters: {weight: {constraint: {type: max_norm, value: 0.7}}, bias: {constraint: non_negative}}',
    fc2: ', parameters: {weight: {constraint: {type: range, low: -0.3, high: 0.2}}}',
  };
  const groups = '[{kinds: [bias], constraint: unit_norm}]';
  expectClose(train(netOf(`steps: 4, groups: ${groups}, ${SGD}`, own)).weights, REFERENCE.constraints);
});
