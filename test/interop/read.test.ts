/** What ends an import before or after a reader is asked: files that are none, and things without a counterpart. */
import { SpecError } from '../../compiler/diagnostics/errors';
import { Draft } from '../../compiler/interop/draft';
import { readModel } from '../../compiler/interop/import';

const codeOf = async (act: () => Promise<unknown>): Promise<string | undefined> => {
  const error: unknown = await act().catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  return error.diagnostics[0]?.code;
};

test('a folder and a file of no known format are told apart', async () => {
  expect(await codeOf(() => readModel([__dirname]))).toBe('import-unreadable');
  expect(await codeOf(() => readModel([__filename]))).toBe('import-unsupported');
});

test('everything that is refused is reported together', () => {
  const draft = new Draft('m', 'test');
  const at = (line: number): Parameters<Draft['refuse']>[0] => ({ file: 'm.prototxt', line, column: 1, length: 1 });
  draft.refuse(at(7), 'layer `roi` of type ROI has no counterpart');
  draft.refuse(at(3), 'layer `warp` of type Warp has no counterpart');
  expect(draft.problems.all().map(({ code, at: { line } }) => [code, line])).toEqual([
    ['import-unsupported', 3],
    ['import-unsupported', 7],
  ]);
});
