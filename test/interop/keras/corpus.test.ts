/** Every Keras model of the corpus is imported and equals its outputs there, or is refused for a reason that is known. */
import { isThere, tryUnit, units } from './corpus';

/** What the refusal of a unit says; every other unit is imported. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'configs/keras2-yolo9000_tf_keras_2': /is Python code, which is never run/,
  'dl4j-weights/space_to_depth_graph_tensorflow_2': /is Python code, which is never run/,
  'dl4j-weights/space_to_depth_simple_tensorflow_1': /is Python code, which is never run/,
  'tfkeras-convlstm2d/convlstm2d_16': /its `go_backwards` inside of Bidirectional is not read/,
  'trained/keras3_nested_container': /whose meaning is Python code/,
};

const there = isThere();

test.each(there ? units() : [])('%s', async (unit) => {
  const { result, detail } = await tryUnit(unit);
  const reason = REFUSED[unit];
  if (reason === undefined) expect(`${result}: ${detail}`).toMatch(/^(equal|imported): /);
  else expect(`${result}: ${detail}`).toMatch(new RegExp(`^refused: .*${reason.source}`));
});

test('every refusal is of a unit in the corpus', () => {
  if (there) expect(units()).toEqual(expect.arrayContaining(Object.keys(REFUSED)));
});
