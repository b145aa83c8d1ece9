/** Every Keras model of the corpus is imported and equals its outputs there, or is refused for a reason that is known. */
import { isThere, tryUnit, units } from './corpus';

/** What the refusal of a unit says; every other unit is imported. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'configs/keras2-cnn_th_config': /Convolution2D has no counterpart/,
  'configs/keras2-embedding_lstm_calculator': /`mask_zero` is not read yet/,
  'configs/keras2-keras2_mlp_fapi_multiloss_config': /Merge has no counterpart/,
  'configs/keras2-model_concat_embedding_sequences_tf_keras_2': /`mask_zero` is not read yet/,
  'configs/keras2-model_seq2seq_5549': /`return_state` is not read yet/,
  'configs/keras2-permute_retina_unet': /does not fit/,
  'configs/keras2-prelu_config_tf_keras_2': /slopes are shared along some axes/,
  'configs/keras2-yolo9000_tf_keras_2': /is Python code, which is never run/,
  'dl4j-weights/space_to_depth_graph_tensorflow_2': /is Python code, which is never run/,
  'dl4j-weights/space_to_depth_simple_tensorflow_1': /is Python code, which is never run/,
  'models/12net': /does not fit the input/,
  'tfkeras-cnn2d/cnn2d_114': /Conv2DTranspose has no counterpart/,
  'tfkeras-convlstm2d/convlstm2d_16': /ConvLSTM2D/,
  'tfkeras-convlstm2d/convlstm2d_26': /ConvLSTM2D/,
  'tfkeras-convlstm2d/convlstm2d_27': /ConvLSTM2D/,
  'tfkeras-misc/permute': /is an operation of a TensorFlow graph/,
  'tfkeras-misc/reshape': /is an operation of a TensorFlow graph/,
  'tfkeras-misc/tfop_0': /is an operation of a TensorFlow graph/,
  'tfkeras-rnn/rnn_146': /does not fit the input/,
  'tfkeras-rnn/rnn_158': /does not fit the input/,
  'tfkeras-rnn/rnn_169': /does not fit the input/,
  'tfkeras-rnn/rnn_177': /does not fit the input/,
  'tfkeras-rnn/rnn_179': /does not fit the input/,
  'tfkeras-rnn/rnn_205': /does not fit the input/,
  'tfkeras-rnn/rnn_218': /does not fit the input/,
  'tfkeras-rnn/rnn_230': /does not fit the input/,
  'trained/keras2cpp_mnist': /Convolution2D has no counterpart/,
  'trained/keras3_nested_container': /whose meaning is Python code/,
  'trained/tfjs_abalone': /is of no format that is known/,
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
