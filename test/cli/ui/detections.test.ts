/** Detections as text: rows are told from other arrays of six columns, and what is not sure is left out. */
import { detectionLines } from '../../../cli/ui/detections';

const array = (data: readonly number[], shape: readonly number[]) => ({
  dtype: 'f32' as const,
  shape: [...shape],
  data: Float32Array.from(data),
});
const ROWS = [1, 0.9, 0, 0.25, 0.5, 1, 0, 0.5, 0, 0, 1, 1, 1, 0.1, 0, 0, 1, 1, -1, 0, 0, 0, 0, 0];

test('a line for each thing, by the name of its class where it has one', () => {
  const found = array(ROWS, [1, 4, 6]);
  expect(detectionLines(found, 0, {})).toEqual([
    '1 (90.0 %)  0.000 0.250 0.500 1.000',
    '0 (50.0 %)  0.000 0.000 1.000 1.000',
  ]);
  const learned = { classes: { kind: 'classes', names: ['ant', 'bee'] } };
  expect(detectionLines(found, 0, learned)?.[0]).toBe('bee (90.0 %)  0.000 0.250 0.500 1.000');
  expect(detectionLines(array(ROWS.slice(18), [1, 1, 6]), 0, {})).toEqual(['nothing']);
});

test('other arrays are none of its business', () => {
  expect(detectionLines(array(ROWS, [4, 6]), 0, {})).toBeUndefined();
  expect(detectionLines(array([0.5, ...ROWS.slice(1)], [1, 4, 6]), 0, {})).toBeUndefined();
  expect(detectionLines(array([...ROWS.slice(6, 12), ...ROWS.slice(0, 6)], [1, 2, 6]), 0, {})).toBeUndefined();
});
