// Kernels that read and write bfloat16 compute in float: what they give is what the same kernel gives for the same
// numbers stored as f32, rounded at the end, on every instruction set and at any number of threads.
#include <memory>

#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

using List = std::vector<double>;
using Attributes = std::map<std::string, AttrValue, std::less<>>;

// Type and shape of an output or an input; bf16 ones are f32 in the other run.
struct Kind {
  std::vector<int64_t> shape;
  dlc_dtype dtype = DLC_BF16;
};

struct Case {
  const char *op;
  std::vector<Kind> inputs, outputs;
  Attributes attrs;
  size_t workspace = 0;
  std::vector<int32_t> indices = {};  // of integer inputs, over and over
};

std::unique_ptr<Buffer> input_of(const Kind &kind, const std::vector<int32_t> &indices, Random &random) {
  auto buffer = std::make_unique<Buffer>(kind.shape, kind.dtype);
  if (kind.dtype == DLC_I32) {
    for (size_t i = 0; i < buffer->ints().size(); ++i) buffer->ints()[i] = indices[i % indices.size()];
  } else if (kind.dtype == DLC_I64) {
    for (int64_t i = 0; i < buffer->tensor().elements(); ++i) buffer->tensor().as<int64_t>()[i] = 7 * i + 1;
  } else {
    random.fill(*buffer, -3, 3);
  }
  return buffer;
}

void check_case(const Case &test) {
  Random random(11);
  MapAttrs attrs;
  attrs.values = test.attrs;
  std::vector<std::unique_ptr<Buffer>> made, wide;
  std::vector<const Buffer *> narrow_inputs, wide_inputs, wide_outputs;
  for (const Kind &kind : test.inputs) {
    made.push_back(input_of(kind, test.indices, random));
    narrow_inputs.push_back(made.back().get());
    if (kind.dtype == DLC_BF16) wide.push_back(std::make_unique<Buffer>(widened(*made.back())));
    wide_inputs.push_back(kind.dtype == DLC_BF16 ? wide.back().get() : made.back().get());
  }
  for (const Kind &kind : test.outputs) {
    made.push_back(std::make_unique<Buffer>(kind.shape, kind.dtype == DLC_BF16 ? DLC_F32 : kind.dtype));
    wide_outputs.push_back(made.back().get());
  }
  each_isa([&] {
    const Outcome expected = run_kernel(test.op, wide_inputs, wide_outputs, attrs, test.workspace, 1);
    CHECK(expected.status == DLC_OK);
    for (const int threads : {1, 3}) {
      std::vector<std::unique_ptr<Buffer>> kept;
      std::vector<const Buffer *> outputs;
      for (const Kind &kind : test.outputs) {
        kept.push_back(std::make_unique<Buffer>(kind.shape, kind.dtype));
        outputs.push_back(kept.back().get());
      }
      const Outcome found = run_kernel(test.op, narrow_inputs, outputs, attrs, test.workspace, threads);
      bool right = found.status == DLC_OK;
      for (size_t i = 0; i < outputs.size(); ++i)
        right = right && (test.outputs[i].dtype == DLC_BF16 ? is_rounded(*outputs[i], *wide_outputs[i])
                                                            : same_bytes(*outputs[i], *wide_outputs[i]));
      if (!CHECK(right)) std::printf("    %s: %s\n", test.op, found.message.c_str());
    }
  });
}

Kind f32(std::vector<int64_t> shape) {
  return {std::move(shape), DLC_F32};
}
Kind i32(std::vector<int64_t> shape) {
  return {std::move(shape), DLC_I32};
}

Attributes rows(double axis, bool center = true) {
  return {{"axis", axis}, {"epsilon", 1e-5}, {"center", center}};
}

}  // namespace

TEST("normalized rows of any length") {
  for (const int64_t width : {1, 7, 64, 100, 4096, 9001}) {
    const std::vector<int64_t> shape = {5, width};
    check_case({"layer_norm", {{shape}, f32({width}), f32({width})}, {{shape}, f32({5}), f32({5})}, rows(1)});
    check_case({"layer_norm", {{shape}}, {{shape}, f32({5}), f32({5})}, rows(1, false)});
    const size_t workspace = static_cast<size_t>(5 * 2 * width) * sizeof(float);
    check_case({"layer_norm_grad",
                {{shape}, {shape}, f32({5}), f32({5}), f32({width})},
                {{shape}, f32({width}), f32({width})},
                rows(1),
                workspace});
    check_case({"layer_norm_grad", {{shape}, {shape}, f32({5}), f32({5})}, {{shape}}, rows(1, false)});
  }
}

TEST("softmax and cross-entropy along any axis") {
  for (const char *op : {"softmax", "log_softmax"}) {
    check_case({op, {{{9, 37}}}, {{{9, 37}}}, {{"axis", 1.0}}});
    check_case({op, {{{2, 5, 70}}}, {{{2, 5, 70}}}, {{"axis", 1.0}}});
  }
  const Attributes attrs = {{"axis", 1.0}, {"label_smoothing", 0.1}, {"ignore_index", -1.0}};
  const std::vector<int32_t> labels = {0, 4, -1, 2};
  for (const std::vector<int64_t> &shape : {std::vector<int64_t>{66, 5}, {3, 5, 70}}) {
    std::vector<int64_t> lines = shape;
    lines.erase(lines.begin() + 1);
    check_case({"softmax_cross_entropy", {{shape}, i32(lines), f32({5})}, {f32(lines), f32(lines)}, attrs, 0, labels});
    check_case(
        {"softmax_cross_entropy_grad", {{shape}, i32(lines), f32(lines), f32({5})}, {{shape}}, attrs, 0, labels});
  }
}

TEST("dropout, norms and checks") {
  check_case({"dropout", {{{40000}}, {{2}, DLC_I64}}, {{{40000}}}, {{"rate", 0.3}, {"stream", 5.0}}});
  check_case({"norm", {{{70000}}}, {f32({})}, {}, 3 * sizeof(double)});
  check_case({"check_finite", {{{40000}}}, {{{40000}}}, {{"what", std::string("x")}}});
  Buffer x({20000}, DLC_BF16);
  Random(3).fill(x);
  x.halves()[17001].bits = 0xff80;
  MapAttrs attrs;
  attrs.values["what"] = std::string("the sum");
  const Outcome found = run_kernel("check_finite", {&x}, {nullptr}, attrs, 0, 2);
  CHECK(found.status == DLC_NON_FINITE && found.message == "the sum is -infinity at element 17001 of 20000");
}

TEST("elements are moved, looked up and added") {
  const List none = {0, 0};
  check_case({"concat", {{{3, 5}}, {{3, 2}}}, {{{3, 7}}}, {{"axis", 1.0}}});
  check_case(
      {"slice", {{{6, 9}}}, {{{2, 4}}}, {{"starts", List{1, 0}}, {"limits", List{4, 8}}, {"strides", List{2, 2}}}});
  check_case(
      {"pad", {{{4, 3}}}, {{{7, 5}}}, {{"low", List{1, 0}}, {"high", List{2, 2}}, {"interior", none}, {"value", 0.3}}});
  check_case({"broadcast_to", {{{3, 1}}}, {{{2, 3, 50}}}, {{"shape", List{2, 3, 50}}}});
  check_case({"transpose", {{{40, 70}}}, {{{70, 40}}}, {{"perm", List{1, 0}}}});
  const Attributes table = {{"axis", 0.0}, {"batch_dims", 0.0}};
  for (const int64_t width : {1, 40, 300}) {
    check_case({"gather", {{{6, width}}, i32({50})}, {{{50, width}}}, table, 0, {5, 0, 3, 3}});
    check_case({"scatter_add",
                {i32({50}), {{50, width}}},
                {{{6, width}}},
                {{"axis", 0.0}, {"batch_dims", 0.0}, {"size", 6.0}},
                0,
                {5, 0, 3, 3}});
  }
  check_case({"gather_elements", {{{6, 20}}, i32({3, 20})}, {{{3, 20}}}, {{"axis", 0.0}}, 0, {5, 0, 3}});
}

TEST("casts between f32 and bf16") {
  check_case({"cast", {{{40000}}}, {f32({40000})}, {}});
  check_case({"cast", {f32({40000})}, {{{40000}}}, {}});
}
