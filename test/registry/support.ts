/** One list of tests for every definition that has samples. */
import type { Described } from '../../compiler/frontend/describe';
import { checkSample, modesOf, titleOf, type Kind } from '../support/registry';

/** Declares a test for each sample, mode and batch size of each definition. */
export function testSamples(kind: Kind, defs: Readonly<Record<string, Described>>): void {
  describe.each(Object.entries(defs))('%s', (_name, def) => {
    const cases = (def.samples ?? []).flatMap((sample) =>
      modesOf(kind, sample).flatMap((mode) => [1, 3].map((batch) => [titleOf(sample), mode, batch, sample] as const)),
    );
    if (cases.length === 0) {
      test('has samples', () => expect(def.samples ?? []).not.toEqual([]));
      return;
    }
    test.each(cases)('%s, %s, batch %i', async (_title, mode, batch, sample) => {
      expect(await checkSample(kind, def, sample, batch, mode)).toEqual([]);
    });
  });
}
