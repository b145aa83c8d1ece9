// matmul(a, b, bias?): [..., M, K] x [..., K, N], batch dimensions equal or b of rank 2. A long sum into a small result
// is cut into fixed slices of k, whose partial results (in the workspace) are added in order.
#include <algorithm>
#include <cstring>
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

class Matmul final : public Kernel {
 public:
  explicit Matmul(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() >= 2 && args.inputs.size() <= 3, "matmul takes two or three inputs");
    require(args.outputs.size() == 1, "matmul has one output");
    const Tensor &a = args.inputs[0], &b = args.inputs[1], &c = args.outputs[0];
    for (const Tensor *t : {&a, &b, &c}) require(t->dtype == DLC_F32, "matmul is for f32");
    require(a.rank() >= 2 && b.rank() >= 2, "matmul needs tensors of rank 2 or more");
    const bool ta = args.attrs.boolean("transpose_a", false), tb = args.attrs.boolean("transpose_b", false);
    const std::string_view activation = args.attrs.string("activation", "");
    require(activation.empty() || activation == "relu", "matmul knows the activation relu only");

    const int64_t a_rows = a.shape[a.shape.size() - 2], a_columns = a.shape.back();
    const int64_t b_rows = b.shape[b.shape.size() - 2], b_columns = b.shape.back();
    m_ = ta ? a_columns : a_rows;
    k_ = ta ? a_rows : a_columns;
    n_ = tb ? b_rows : b_columns;
    require((tb ? b_columns : b_rows) == k_, "matmul: inner extents differ");
    std::vector<int64_t> expected(a.shape.begin(), a.shape.end() - 2);
    require(b.rank() == 2 || (b.rank() == a.rank() && std::equal(expected.begin(), expected.end(), b.shape.begin())),
            "matmul: batch extents differ");
    for (const int64_t extent : expected) batch_ *= extent;
    expected.push_back(m_);
    expected.push_back(n_);
    require(c.shape == expected, "matmul: wrong output shape");
    if (args.inputs.size() == 3) {
      const Tensor &bias = args.inputs[2];
      require(bias.dtype == DLC_F32 && bias.shape == std::vector<int64_t>{n_}, "matmul: wrong bias");
      call_.bias = bias.as<float>();
    }
    call_.a = a.as<float>();
    call_.b = b.as<float>();
    call_.c = c.as<float>();
    call_.relu = activation == "relu";
    a_step_ = m_ * k_;
    b_step_ = b.rank() == 2 ? 0 : n_ * k_;

    // One b for the whole batch and rows of a that follow each other: one tall product.
    if (b_step_ == 0 && !ta) {
      m_ *= batch_;
      batch_ = 1;
    }
    const int64_t slices = slices_of(batch_, m_, n_, k_);
    const size_t needed = slices > 1 ? static_cast<size_t>(slices * m_ * n_) * sizeof(float) : 0;
    require(args.workspace.size() >= needed, "matmul: the plan reserves too little workspace");
    partial_ = reinterpret_cast<float *>(args.workspace.data());
    slices_ = EvenSplit(k_, ceil_div(std::max<int64_t>(k_, 1), slices));
    const int64_t depth = slices > 1 ? slices_.end(0) : k_;
    gemm_ = Gemm(m_, n_, depth, ta, tb, ta ? a_columns : k_, tb ? k_ : n_);
    a_slice_ = ta ? a_columns : 1;
    b_slice_ = tb ? 1 : n_;
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
      call.a += item * a_step_;
      call.b += item * b_step_;
      call.c += item * m_ * n_;
      gemm_.run(task % tasks, call, pool_.scratch(lane));
    });
    return DLC_OK;
  }

 private:
  void run_sliced() {
    const int64_t tasks = gemm_.tasks();
    const int64_t slices = slices_.count;
    pool_.parallel(slices * tasks, [&](int64_t task, int lane) {
      const int64_t slice = task / tasks;
      const int64_t first = slices_.begin(slice);
      GemmCall call;
      call.a = call_.a + first * a_slice_;
      call.b = call_.b + first * b_slice_;
      call.c = partial_ + slice * m_ * n_;
      call.depth = slices_.end(slice) - first;
      gemm_.run(task % tasks, call, pool_.scratch(lane));
    });
    pool_.parallel(ceil_div(m_, 16), [&](int64_t task, int) {
      for (int64_t row = task * 16; row < std::min(m_, task * 16 + 16); ++row) {
        for (int64_t j = 0; j < n_; ++j) {
          float sum = 0;
          for (int64_t s = 0; s < slices; ++s) sum += partial_[(s * m_ + row) * n_ + j];
          if (call_.bias != nullptr) sum += call_.bias[j];
          call_.c[row * n_ + j] = call_.relu && sum < 0 ? 0 : sum;
        }
      }
    });
  }

  ThreadPool &pool_;
  GemmCall call_;
  int64_t batch_ = 1, m_ = 0, n_ = 0, k_ = 0, a_step_ = 0, b_step_ = 0;
  EvenSplit slices_{1, 1};
  Gemm gemm_;
  int64_t a_slice_ = 0, b_slice_ = 0;  // how far a step along k is
  float *partial_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_matmul(const KernelArgs &args) {
  return std::make_unique<Matmul>(args);
}

}  // namespace dlc
