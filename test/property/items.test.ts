/**
 * Layers, losses, metrics, initializers, optimizers and schedules with fields and inputs that they were not made for.
 * `npm run soak -- --only items` has more of it; what it found once is listed here.
 */
import { checkLoaded } from '../../compiler/check';
import { checkSpecText } from '../../compiler/frontend/load';
import { items } from '../soak/items';

/** The first error of a model of one layer, in one line. */
function errorOf(shape: readonly (string | number)[], layer: string): string {
  const text = `inputs: {x: {shape: [${shape.join(', ')}]}}\nlayers:\n  - {name: y, inputs: x, ${layer}}\n`;
  const found = checkLoaded(checkSpecText(text, 'm.yaml')).find(({ severity }) => severity === 'error');
  return found ? `${found.at.line}:${found.at.column} ${found.message} [${found.code}]` : 'nothing';
}

test.each([...Array(10).keys()])('damaged items are refused at their place or run, from seed %i · 20 on', async (k) => {
  const campaign = await items.open('');
  for (let seed = 20 * k; seed < 20 * (k + 1); seed++) {
    const outcome = await campaign.run(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    expect(outcome).not.toBe('');
  }
});

test.each([
  [['N', 5, 2], 'type: alibi_bias, heads: 1000000000'],
  [['N', 2, 7], 'type: adaptive_max_pool1d, size: 2147483648'],
  [['N', 4096, 8192], 'type: sinusoidal_positions'],
] as const)('a layer on %j, {%s} is refused before it fills the memory', (shape, layer) => {
  expect(errorOf(shape, layer)).toMatch(/^3:\d+ .*(table of \d+ entries; the limit|too large)/);
});
