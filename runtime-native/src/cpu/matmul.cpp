// matmul(a, b, bias?): [..., M, K] x [..., K, N], batch dimensions equal or b of rank 2; b may come packed, of the
// shape `weight_shape`. A long sum into a small result is cut into fixed slices of k, whose partial results (in the
// workspace) are added in order.
#include <algorithm>
#include <limits>

#include "../kernel.h"
#include "gemm.h"

namespace dlc {
namespace {

// compiler/ops/matmul.ts reserves the workspace by the same rule.
constexpr int64_t kSplitDepth = 1024;  // no cutting below two of these
constexpr int64_t kMostSlices = 8;
constexpr int64_t kSplitElements = 128 * 128;  // results larger than this have blocks enough

int64_t slices_of(int64_t batch, int64_t m, int64_t n, int64_t k) {
  if (batch != 1 || m * n > kSplitElements || k < 2 * kSplitDepth) return 1;
  return std::min(kMostSlices, k / kSplitDepth);
}

bool is_float(const Tensor &t) {
  return t.dtype == DLC_F32 || t.dtype == DLC_BF16;
}

const std::byte *at(const void *data, dlc_dtype dtype, int64_t value) {
  return static_cast<const std::byte *>(data) + value * static_cast<int64_t>(size_of(dtype));
}

class Matmul final : public Kernel {
 public:
  explicit Matmul(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() >= 2 && args.inputs.size() <= 3, "matmul takes two or three inputs");
    require(args.outputs.size() == 1, "matmul has one output");
    const Tensor &a = args.inputs[0], &b = args.inputs[1], &c = args.outputs[0];
    require(is_float(a) && is_float(b) && is_float(c), "matmul is for f32 and bf16");
    GemmProblem problem;
    problem.bf16 = a.dtype == DLC_BF16 || b.dtype == DLC_BF16;
    require(problem.bf16 || c.dtype == DLC_F32, "matmul of f32 gives f32");
    const bool packed = args.attrs.has("weight_shape");
    const std::vector<int64_t> b_shape = packed ? args.attrs.integers("weight_shape") : b.shape;
    require(a.rank() >= 2 && b_shape.size() >= 2, "matmul needs tensors of rank 2 or more");
    const bool ta = args.attrs.boolean("transpose_a", false), tb = args.attrs.boolean("transpose_b", false);
    const std::string_view activation = args.attrs.string("activation", "");
    require(activation.empty() || activation == "relu", "matmul knows the activation relu only");

    const int64_t a_rows = a.shape[a.shape.size() - 2], a_columns = a.shape.back();
    const int64_t b_rows = b_shape[b_shape.size() - 2], b_columns = b_shape.back();
    m_ = ta ? a_columns : a_rows;
    k_ = ta ? a_rows : a_columns;
    n_ = tb ? b_rows : b_columns;
    require((tb ? b_columns : b_rows) == k_, "matmul: inner extents differ");
    std::vector<int64_t> expected(a.shape.begin(), a.shape.end() - 2);
    require(b_shape.size() == 2 ||
                (b_shape.size() == a.shape.size() && std::equal(expected.begin(), expected.end(), b_shape.begin())),
            "matmul: batch extents differ");
    for (const int64_t extent : expected) batch_ *= extent;
    expected.push_back(m_);
    expected.push_back(n_);
    require(c.shape == expected, "matmul: wrong output shape");
    if (args.inputs.size() == 3) {
      const Tensor &bias = args.inputs[2];
      require(bias.dtype == DLC_F32 && bias.shape == std::vector<int64_t>{n_}, "matmul: wrong bias");
    }
    if (packed) {
      require(b_shape.size() == 2 && b.shape == std::vector<int64_t>{packed_values(b.dtype, k_, n_)},
              "matmul: wrong packed weights");
      require((b.dtype == DLC_BF16) == problem.bf16, "matmul: weights packed for another precision");
    }
    move(args.inputs, args.outputs);
    call_.relu = activation == "relu";
    a_step_ = m_ * k_;
    b_step_ = b_shape.size() == 2 ? 0 : n_ * k_;

    // One b for the whole batch and rows of a that follow each other: one tall product.
    if (b_step_ == 0 && !ta) {
      m_ *= batch_;
      batch_ = 1;
    }
    const int64_t slices = slices_of(batch_, m_, n_, k_);
    const size_t needed = slices > 1 ? static_cast<size_t>(slices * m_ * n_) * sizeof(float) : 0;
    require(args.workspace.size() >= needed, "matmul: the plan reserves too little workspace");
    partial_ = reinterpret_cast<float *>(args.workspace.data());
    // Slices of bfloat16 hold whole pairs.
    unit_ = problem.bf16 ? 2 : 1;
    const int64_t units = ceil_div(k_, unit_);
    slices_ = EvenSplit(units, ceil_div(std::max<int64_t>(units, 1), slices));
    problem.m = m_;
    problem.n = n_;
    problem.k = slices > 1 ? slice_end(0) : k_;
    problem.a = {nullptr, a.dtype, a_columns, !ta};
    problem.b = {nullptr, b.dtype, b_columns, tb};
    problem.packed_depth = packed ? k_ : 0;
    problem_ = problem;
    gemm_ = Gemm(problem);
  }

  bool move(std::span<const Tensor> inputs, std::span<const Tensor> outputs) final {
    call_.a = inputs[0].data;
    call_.b = inputs[1].data;
    call_.bias = inputs.size() == 3 ? inputs[2].as<float>() : nullptr;
    const bool rounded = outputs[0].dtype == DLC_BF16;
    call_.rounded = rounded ? outputs[0].as<Bf16>() : nullptr;
    call_.c = rounded ? nullptr : outputs[0].as<float>();
    return true;
  }

  dlc_status run(RunContext &) override {
    if (slices_.count > 1) {
      run_sliced();
      return DLC_OK;
    }
    const int64_t tasks = gemm_.tasks();
    pool_.parallel(batch_ * tasks, [&](int64_t task, int lane) {
      const int64_t item = task / tasks;
      GemmCall call = call_;
      call.a = at(call.a, problem_.a.dtype, item * a_step_);
      call.b = at(call.b, problem_.b.dtype, item * b_step_);
      if (call.c != nullptr) call.c += item * m_ * n_;
      if (call.rounded != nullptr) call.rounded += item * m_ * n_;
      gemm_.run(task % tasks, call, pool_.scratch(lane));
    });
    return DLC_OK;
  }

 private:
  int64_t slice_begin(int64_t slice) const { return slices_.begin(slice) * unit_; }
  int64_t slice_end(int64_t slice) const { return std::min(k_, slices_.end(slice) * unit_); }

  void run_sliced() {
    const int64_t tasks = gemm_.tasks();
    const int64_t slices = slices_.count;
    pool_.parallel(slices * tasks, [&](int64_t task, int lane) {
      const int64_t slice = task / tasks;
      const int64_t first = slice_begin(slice);
      const auto along = [&](const GemmMatrix &matrix) { return matrix.transpose ? first : first * matrix.row; };
      GemmCall call;
      call.a = at(call_.a, problem_.a.dtype, along(problem_.a));
      call.b = problem_.packed_depth > 0 ? call_.b : at(call_.b, problem_.b.dtype, along(problem_.b));
      call.c = partial_ + slice * m_ * n_;
      call.depth = slice_end(slice) - first;
      call.first = first;
      gemm_.run(task % tasks, call, pool_.scratch(lane));
    });
    pool_.parallel(ceil_div(m_, 16), [&](int64_t task, int) {
      for (int64_t row = task * 16; row < std::min(m_, task * 16 + 16); ++row) {
        for (int64_t j = 0; j < n_; ++j) {
          float sum = 0;
          for (int64_t s = 0; s < slices; ++s) sum += partial_[(s * m_ + row) * n_ + j];
          if (call_.bias != nullptr) sum += call_.bias[j];
          if (call_.relu && sum < 0) sum = 0;
          if (call_.rounded != nullptr) {
            call_.rounded[row * n_ + j] = Bf16::of(sum);
          } else {
            call_.c[row * n_ + j] = sum;
          }
        }
      }
    });
  }

  ThreadPool &pool_;
  GemmCall call_;
  GemmProblem problem_;
  int64_t batch_ = 1, m_ = 0, n_ = 0, k_ = 0, a_step_ = 0, b_step_ = 0;
  int64_t unit_ = 1;
  EvenSplit slices_{1, 1};
  Gemm gemm_;
  float *partial_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_matmul(const KernelArgs &args) {
  return std::make_unique<Matmul>(args);
}

}  // namespace dlc
