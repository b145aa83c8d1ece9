/** Test vectors of ONNX that are refused, by what is said of them. Every other one is imported and gives equal numbers. */
const REFUSALS: readonly { readonly reason: RegExp; readonly vectors: readonly string[] }[] = [
  {
    reason: /without elements/,
    vectors: [
      'test_constantofshape_int_shape_zero',
      'test_shape_start_greater_than_end',
      'test_split_zero_size_splits_opset18',
      'test_tril_zero',
      'test_triu_zero',
    ],
  },
  {
    reason: /is of string/,
    vectors: [
      'test_ai_onnx_ml_label_encoder_string_int',
      'test_ai_onnx_ml_label_encoder_string_int_no_default',
      'test_ai_onnx_ml_label_encoder_tensor_mapping',
      'test_equal_string_broadcast',
      'test_regex_full_match_basic',
      'test_regex_full_match_empty',
      'test_string_concat',
      'test_string_concat_empty_string',
      'test_string_concat_utf8',
      'test_string_split_basic',
      'test_string_split_empty_tensor',
      'test_string_split_maxsplit',
      'test_string_split_no_delimiter',
    ],
  },
  {
    reason: /ai.onnx.ml.TreeEnsemble\) has no counterpart here/,
    vectors: ['test_ai_onnx_ml_tree_ensemble_set_membership'],
  },
  {
    reason: /takes the bits of floats for integers, or the other way round/,
    vectors: ['test_bitcast_2d_float32_to_int32', 'test_bitcast_int32_to_float32', 'test_bitcast_int64_to_float64'],
  },
];

/** What the refusal of a vector says; undefined of those that are not refused. */
export function refusalOf(test: string): RegExp | undefined {
  return REFUSALS.find(({ vectors }) => vectors.includes(test))?.reason;
}
