/** Test vectors of ONNX that are refused, by what is said of them. Every other one is imported and gives equal numbers. */
const REFUSALS: readonly { readonly reason: RegExp; readonly vectors: readonly string[] }[] = [
  {
    reason: /ConvInteger\) has no counterpart here/,
    vectors: ['test_basic_convinteger', 'test_convinteger_with_padding'],
  },
  {
    reason: /without elements/,
    vectors: [
      'test_constantofshape_int_shape_zero',
      'test_rotary_embedding_interleaved_expanded',
      'test_rotary_embedding_no_position_ids_expanded',
      'test_rotary_embedding_no_position_ids_interleaved_expanded',
      'test_shape_start_greater_than_end',
      'test_split_zero_size_splits_opset18',
      'test_tril_zero',
      'test_triu_zero',
    ],
  },
  {
    reason: /DequantizeLinear\) has no counterpart here/,
    vectors: ['test_dequantizelinear', 'test_dequantizelinear_axis', 'test_dequantizelinear_int16'],
  },
  {
    reason: /QLinearMatMul\) has no counterpart here/,
    vectors: [
      'test_qlinearmatmul_2D',
      'test_qlinearmatmul_2D_int8_float16',
      'test_qlinearmatmul_2D_uint8_float16',
      'test_qlinearmatmul_2D_uint8_float32',
      'test_qlinearmatmul_3D_int8_float16',
      'test_qlinearmatmul_3D_int8_float32',
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
    reason: /Attention\) has no counterpart here/,
    vectors: [
      'test_attention_3d',
      'test_attention_3d_attn_mask',
      'test_attention_3d_causal',
      'test_attention_3d_diff_heads_sizes_attn_mask',
      'test_attention_3d_diff_heads_sizes_causal',
      'test_attention_3d_diff_heads_sizes_scaled',
      'test_attention_3d_gqa_attn_mask',
      'test_attention_3d_gqa_causal',
      'test_attention_3d_gqa_scaled',
      'test_attention_3d_gqa_with_past_and_present',
      'test_attention_3d_scaled',
      'test_attention_3d_with_past_and_present_qk_matmul',
      'test_attention_3d_with_past_and_present_qk_matmul_bias',
      'test_attention_3d_with_past_and_present_qk_matmul_softcap',
      'test_attention_4d_attn_mask',
      'test_attention_4d_attn_mask_3d',
      'test_attention_4d_attn_mask_4d',
      'test_attention_4d_attn_mask_bool',
      'test_attention_4d_attn_mask_bool_4d',
      'test_attention_4d_causal',
      'test_attention_4d_diff_heads_sizes_attn_mask',
      'test_attention_4d_diff_heads_sizes_softcap',
      'test_attention_4d_diff_heads_with_past_and_present',
      'test_attention_4d_diff_heads_with_past_and_present_mask4d',
      'test_attention_4d_gqa_attn_mask',
      'test_attention_4d_gqa_scaled',
      'test_attention_4d_gqa_softcap',
      'test_attention_4d_gqa_with_past_and_present',
      'test_attention_4d_gqa_with_past_and_present_fp16',
      'test_attention_4d_softcap_neginf_mask',
      'test_attention_4d_softcap_neginf_mask_poison',
      'test_attention_4d_with_past_and_present',
      'test_attention_4d_with_past_and_present_qk_matmul',
      'test_attention_4d_with_past_and_present_qk_matmul_bias',
      'test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask',
      'test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask',
      'test_attention_4d_with_qk_matmul_softcap',
      'test_attention_4d_with_qk_matmul_softmax',
    ],
  },
  {
    reason: /has dilated windows of 125 elements/,
    vectors: [
      'test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False',
      'test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True',
      'test_maxpool_3d_dilations_use_ref_impl_large',
    ],
  },
  {
    reason: /takes the bits of floats for integers, or the other way round/,
    vectors: ['test_bitcast_2d_float32_to_int32', 'test_bitcast_int32_to_float32', 'test_bitcast_int64_to_float64'],
  },
  {
    reason: /DynamicQuantizeLinear\) has no counterpart here/,
    vectors: ['test_dynamicquantizelinear', 'test_dynamicquantizelinear_max_adjusted'],
  },
  {
    reason: /QuantizeLinear\) has no counterpart here/,
    vectors: [
      'test_dynamicquantizelinear_expanded',
      'test_dynamicquantizelinear_max_adjusted_expanded',
      'test_quantizelinear_blocked_asymmetric',
      'test_quantizelinear_blocked_symmetric',
    ],
  },
  {
    reason: /takes its starts from a tensor that is known only when the model runs/,
    vectors: ['test_loop11'],
  },
  {
    reason: /MatMulInteger\) has no counterpart here/,
    vectors: ['test_matmulinteger'],
  },
  {
    reason: /QLinearConv\) has no counterpart here/,
    vectors: ['test_qlinearconv'],
  },
  {
    reason: /RotaryEmbedding\) has no counterpart here/,
    vectors: [
      'test_rotary_embedding_interleaved',
      'test_rotary_embedding_no_position_ids',
      'test_rotary_embedding_no_position_ids_interleaved',
      'test_rotary_embedding_no_position_ids_rotary_dim',
      'test_rotary_embedding_with_interleaved_rotary_dim',
    ],
  },
  {
    reason: /TfIdfVectorizer\) has no counterpart here/,
    vectors: [
      'test_tfidfvectorizer_tf_batch_onlybigrams_skip0',
      'test_tfidfvectorizer_tf_batch_onlybigrams_skip5',
      'test_tfidfvectorizer_tf_only_bigrams_skip0',
      'test_tfidfvectorizer_tf_onlybigrams_levelempty',
    ],
  },
  {
    reason: /Unique\) has no counterpart here/,
    vectors: [
      'test_unique_length_1',
      'test_unique_not_sorted_without_axis',
      'test_unique_sorted_with_axis',
      'test_unique_sorted_without_axis',
    ],
  },
  {
    reason: /cuts the batch/,
    vectors: ['test_sequence_model8'],
  },
];

/** What the refusal of a vector says; undefined of those that are not refused. */
export function refusalOf(test: string): RegExp | undefined {
  return REFUSALS.find(({ vectors }) => vectors.includes(test))?.reason;
}
