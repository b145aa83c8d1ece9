// batch_norm_train and batch_norm_grad, and both with a fused program, where channels are the last axis. x is rows of C
// elements. One pass over the rows takes the sums, cut into chunks of rows by the shape alone: blocks in float, from
// block to block and chunk to chunk in double, always in the same order. A second pass makes the elements from tables
// of numbers for each channel, which repeat along a piece of elements so that one loop runs over many short rows.
#include "batch_norm_last.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "batch_norm_rows.h"
#include "fused_runner.h"
#include "image_layout.h"
#include "reduce_loops.h"

namespace dlc {
namespace {

// Channels that are summed together.
constexpr int64_t kTile = 2048;
// Elements of a task.
constexpr int64_t kTask = 65536;
constexpr int64_t kMostChunks = 64;
// Channels that one task finishes.
constexpr int64_t kFinished = 128;
constexpr int64_t kPiece = FusedRunner::kBlock;

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// A lane's scratch. Lane 0's begins with the sums of all chunks, two for each channel.
struct Scratch {
  static constexpr int64_t kPartial = 65536;
  static constexpr int64_t kMade = std::max<int64_t>(8192, 32 * kTile);
  double *partial, *totals;
  float *sums, *squares, *mean, *piece, *made, *slots;

  Scratch(ThreadPool &pool, int lane) {
    partial = reinterpret_cast<double *>(pool.scratch(lane));
    totals = partial + kPartial;
    sums = reinterpret_cast<float *>(totals + 2 * kTile);
    squares = sums + kTile;
    mean = squares + kTile;
    piece = mean + kTile;
    made = piece + kPiece;
    slots = made + kMade;
  }
  static constexpr size_t kBytes =
      (kPartial + 2 * kTile) * sizeof(double) + (3 * kTile + kPiece + kMade) * sizeof(float);
  // A fused program takes half of a lane's scratch at most.
  static_assert(kBytes <= ThreadPool::kLaneScratchBytes / 2);
};

// How rows of channels are cut, by the shape alone.
struct Rows {
  int64_t rows = 0, c = 0;
  int64_t tiles, chunk_rows, chunks, block;
  int64_t piece;        // elements, whole rows or a part of one
  int64_t rows_a_task;  // of the second pass

  explicit Rows(const Tensor &x) {
    c = x.shape.back();
    rows = c == 0 ? 0 : x.elements() / c;
    const int64_t width = std::clamp<int64_t>(c, 1, kTile);
    tiles = ceil_div(c, kTile);
    block = rows_in_float(c, width);
    const int64_t room = std::max<int64_t>(1, Scratch::kPartial / (2 * std::max<int64_t>(c, 1)));
    const int64_t wanted = std::clamp<int64_t>(ceil_div(rows * c, kTask), 1, std::min(kMostChunks, room));
    chunk_rows = std::max<int64_t>(1, ceil_div(ceil_div(rows, wanted), block)) * block;
    chunks = std::max<int64_t>(1, ceil_div(rows, chunk_rows));
    piece = c <= kPiece ? kPiece / width * width : kPiece;
    rows_a_task = std::max<int64_t>(1, kTask / std::max<int64_t>(c, 1));
  }

  int64_t rows_of(int64_t chunk) const { return std::min(chunk_rows, rows - chunk * chunk_rows); }
  // Elements of a table that has numbers for each channel.
  int64_t table() const { return std::max(c, c <= kPiece ? piece : 0); }

  // Calls f(first row, count) for the blocks of a chunk.
  template <typename F>
  void each_block(int64_t chunk, F f) const {
    const int64_t begin = chunk * chunk_rows, end = std::min(rows, begin + chunk_rows);
    for (int64_t row = begin; row < end; row += block) f(row, std::min(block, end - row));
  }

  // Calls f(first element, count, place in a table) for the pieces of `count` rows and `width` columns.
  template <typename F>
  void each_piece(int64_t row, int64_t count, int64_t column, int64_t width, F f) const {
    if (c <= kPiece) {
      const int64_t end = (row + count) * c;
      for (int64_t at = row * c; at < end; at += piece) f(at, std::min(piece, end - at), int64_t{0});
      return;
    }
    for (int64_t r = row; r < row + count; ++r) {
      for (int64_t at = column; at < column + width; at += piece) {
        f(r * c + at, std::min(piece, column + width - at), at);
      }
    }
  }

  // The second pass: f(first element, count, place in a table, lane), in parallel, what was read last first.
  template <typename F>
  void each_piece(ThreadPool &pool, F f) const {
    const int64_t tasks = ceil_div(rows, rows_a_task);
    pool.parallel(tasks, [&](int64_t task, int lane) {
      const int64_t row = (tasks - 1 - task) * rows_a_task;
      each_piece(row, std::min(rows_a_task, rows - row), 0, c,
                 [&](int64_t at, int64_t count, int64_t place) { f(at, count, place, lane); });
    });
  }
};

// A number for each channel, repeated to the length of a piece.
class Table {
 public:
  explicit Table(const Rows &rows) : c_(rows.c), values_(static_cast<size_t>(rows.table())) {}
  void set(int64_t channel, double value) {
    for (auto at = static_cast<size_t>(channel); at < values_.size(); at += static_cast<size_t>(c_)) {
      values_[at] = static_cast<float>(value);
    }
  }
  const float *at(int64_t place) const { return values_.data() + place; }

 private:
  int64_t c_;
  std::vector<float> values_;
};

void require_channels(const Tensor &t, const Rows &rows, bool optional) {
  if (optional && t.data == nullptr) return;
  require(t.dtype == DLC_F32 && t.shape == std::vector<int64_t>{rows.c}, "batch_norm: one number for each channel");
}

template <typename T>
BatchNormRows<T> loops_for();
template <>
BatchNormRows<float> loops_for<float>() {
  return DLC_DISPATCH(batch_norm_rows)();
}
template <>
BatchNormRows<Bf16> loops_for<Bf16>() {
  return DLC_DISPATCH(batch_norm_rows_bf16)();
}

// What both directions share: the first pass, which leaves two sums for each channel, and what is made of them.
template <typename T>
class BatchNormLast : public Kernel {
 protected:
  BatchNormLast(const KernelArgs &args, const Tensor &x)
      : pool_(args.pool), rows_(x), epsilon_(args.attrs.number("epsilon")), x_(x.as<T>()) {}

  // Calls sum(chunk, first channel, channels, two rows of totals, scratch) for every part of the rows, and then
  // finish(first channel, channels) for all channels, which finds a chunk's totals by `partial`.
  template <typename Sum, typename Finish>
  void first_pass(Sum sum, Finish finish) {
    const Scratch shared(pool_, 0);
    pool_.parallel(rows_.chunks * rows_.tiles, [&](int64_t task, int lane) {
      const int64_t chunk = task / rows_.tiles, first = task % rows_.tiles * kTile;
      const int64_t channels = std::min(kTile, rows_.c - first);
      const Scratch own(pool_, lane);
      if (rows_.chunks == 1) {
        sum(chunk, first, channels, own.totals, own.totals + kTile, own);
        finish(
            first, channels, [&](int64_t) { return own.totals; }, kTile);
      } else {
        double *const to = shared.partial + 2 * rows_.c * chunk + first;
        sum(chunk, first, channels, to, to + rows_.c, own);
      }
    });
    if (rows_.chunks == 1) return;
    pool_.parallel(ceil_div(rows_.c, kFinished), [&](int64_t task, int) {
      const int64_t first = task * kFinished;
      finish(
          first, std::min(kFinished, rows_.c - first),
          [&](int64_t chunk) { return shared.partial + 2 * rows_.c * chunk + first; }, rows_.c);
    });
  }

  ThreadPool &pool_;
  Rows rows_;
  BatchNormRows<T> loops_ = loops_for<T>();
  double epsilon_;
  const T *x_;
};

template <typename T>
class TrainLast final : public BatchNormLast<T> {
  using BatchNormLast<T>::pool_, BatchNormLast<T>::rows_, BatchNormLast<T>::loops_, BatchNormLast<T>::x_;

 public:
  TrainLast(const KernelArgs &args, bool fused) : BatchNormLast<T>(args, args.inputs[0]), scale_(rows_), shift_(rows_) {
    const Tensor &x = args.inputs[0];
    require_channels(args.inputs[1], rows_, false);
    require_channels(args.inputs[2], rows_, false);
    gamma_ = args.inputs[1].as<float>();
    beta_ = args.inputs[2].as<float>();
    const size_t statistics = fused ? 0 : 1;
    const Tensor &mean = args.outputs[statistics], &variance = args.outputs[statistics + 1];
    require_channels(mean, rows_, true);
    require_channels(variance, rows_, true);
    mean_ = mean.as<float>();
    variance_ = variance.as<float>();
    if (fused) {
      std::vector<Tensor> inputs(1);  // the normalized block, which is made here
      inputs.insert(inputs.end(), args.inputs.begin() + 3, args.inputs.end());
      epilogue_.emplace(args.attrs.string("program"), inputs, args.outputs.subspan(2), x.shape);
      return;
    }
    const Tensor &y = args.outputs[0];
    require(y.data == nullptr || (y.dtype == x.dtype && y.shape == x.shape), "batch_norm: wrong shape");
    y_ = y.as<T>();
  }

  dlc_status run(RunContext &) override {
    this->first_pass(
        [&](int64_t chunk, int64_t first, int64_t channels, double *mean, double *squares, const Scratch &room) {
          moments(chunk, first, channels, mean, squares, room);
        },
        [&](int64_t first, int64_t channels, auto partial, int64_t apart) { finish(first, channels, partial, apart); });
    if (epilogue_) {
      rows_.each_piece(pool_, [&](int64_t at, int64_t count, int64_t place, int lane) {
        const Scratch room(pool_, lane);
        loops_.scale_to_float(x_ + at, scale_.at(place), shift_.at(place), count, room.piece);
        epilogue_->run(at, count, room.piece, nullptr, room.slots);
      });
    } else if (y_ != nullptr) {
      rows_.each_piece(pool_, [&](int64_t at, int64_t count, int64_t place, int) {
        loops_.scale(x_ + at, scale_.at(place), shift_.at(place), count, y_ + at);
      });
    }
    return DLC_OK;
  }

 private:
  // Mean and squares around it of a chunk's rows. A block is passed twice while it is in cache: for its own mean, and
  // for squares around that.
  void moments(int64_t chunk, int64_t first, int64_t channels, double *mean, double *squares,
               const Scratch &room) const {
    std::fill_n(mean, channels, 0.0);
    std::fill_n(squares, channels, 0.0);
    double before = 0;
    rows_.each_block(chunk, [&](int64_t row, int64_t count) {
      const T *const x = x_ + row * rows_.c + first;
      columns_(x, count, rows_.c, channels, room.sums);
      for (int64_t j = 0; j < channels; ++j) room.mean[j] = room.sums[j] / static_cast<float>(count);
      loops_.squares(x, count, rows_.c, channels, room.mean, room.squares);
      add_moments_(mean, squares, before, room.sums, room.squares, static_cast<double>(count), channels);
      before += static_cast<double>(count);
    });
  }

  template <typename Partial>
  void finish(int64_t first, int64_t channels, Partial partial, int64_t apart) {
    for (int64_t j = 0; j < channels; ++j) {
      double count = static_cast<double>(rows_.rows_of(0)), mean = partial(0)[j], squares = partial(0)[apart + j];
      for (int64_t chunk = 1; chunk < rows_.chunks; ++chunk) {
        const double more = static_cast<double>(rows_.rows_of(chunk)), both = count + more;
        const double delta = partial(chunk)[j] - mean;
        mean += delta * (more / both);
        squares += partial(chunk)[apart + j] + delta * delta * (count * more / both);
        count = both;
      }
      const int64_t channel = first + j;
      const double variance = squares / count;
      if (mean_ != nullptr) mean_[channel] = static_cast<float>(mean);
      if (variance_ != nullptr) variance_[channel] = static_cast<float>(variance);
      const double scale = gamma_[channel] / std::sqrt(variance + this->epsilon_);
      scale_.set(channel, scale);
      shift_.set(channel, beta_[channel] - mean * scale);
    }
  }

  decltype(ReduceLoops<T>::columns) columns_ = reduce_loops_for<T>(Reduction::sum).columns;
  decltype(&baseline::add_moments) add_moments_ = DLC_DISPATCH(add_moments);
  Table scale_, shift_;
  const float *gamma_ = nullptr, *beta_ = nullptr;
  T *y_ = nullptr;
  float *mean_ = nullptr, *variance_ = nullptr;
  std::optional<FusedRunner> epilogue_;
};

template <typename T>
class GradLast final : public BatchNormLast<T> {
  using BatchNormLast<T>::pool_, BatchNormLast<T>::rows_, BatchNormLast<T>::loops_, BatchNormLast<T>::x_;

 public:
  GradLast(const KernelArgs &args, bool fused)
      : BatchNormLast<T>(args, args.inputs[fused ? 0 : 1]), a_(rows_), b_(rows_), c_(rows_) {
    const size_t at = fused ? 0 : 1;
    const Tensor &x = args.inputs[at], &dx = args.outputs[0];
    for (size_t i = at + 1; i < at + 4; ++i) require_channels(args.inputs[i], rows_, false);
    require(dx.data == nullptr || (dx.dtype == x.dtype && dx.shape == x.shape), "batch_norm: wrong shape");
    require_channels(args.outputs[1], rows_, true);
    require_channels(args.outputs[2], rows_, true);
    gamma_ = args.inputs[at + 1].as<float>();
    mean_ = args.inputs[at + 2].as<float>();
    variance_ = args.inputs[at + 3].as<float>();
    dx_ = dx.as<T>();
    dgamma_ = args.outputs[1].as<float>();
    dbeta_ = args.outputs[2].as<float>();
    if (fused) {
      // dy is made where dx will be: its elements are read once more, then replaced.
      std::vector<Tensor> outputs = {dx};
      outputs.insert(outputs.end(), args.outputs.begin() + 3, args.outputs.end());
      prologue_.emplace(args.attrs.string("program"), args.inputs.subspan(4), outputs, x.shape);
      return;
    }
    const Tensor &dy = args.inputs[0];
    require(dy.dtype == x.dtype && dy.shape == x.shape, "batch_norm: wrong shape");
    dy_ = dy.as<T>();
  }

  dlc_status run(RunContext &) override {
    this->first_pass(
        [&](int64_t chunk, int64_t first, int64_t channels, double *dy, double *product, const Scratch &room) {
          sums(chunk, first, channels, dy, product, room);
        },
        [&](int64_t first, int64_t channels, auto partial, int64_t apart) { finish(first, channels, partial, apart); });
    if (dx_ == nullptr) return DLC_OK;
    const T *const dy = prologue_ ? dx_ : dy_;
    rows_.each_piece(pool_, [&](int64_t at, int64_t count, int64_t place, int) {
      loops_.blend(dy + at, x_ + at, a_.at(place), b_.at(place), c_.at(place), count, dx_ + at);
    });
    return DLC_OK;
  }

 private:
  void sums(int64_t chunk, int64_t first, int64_t channels, double *dy, double *product, const Scratch &room) const {
    std::fill_n(dy, channels, 0.0);
    std::fill_n(product, channels, 0.0);
    rows_.each_block(chunk, [&](int64_t row, int64_t count) {
      const int64_t at = row * rows_.c + first;
      if (prologue_) make(row, count, first, channels, room);
      if (prologue_ && dx_ == nullptr) {
        loops_.made_products(room.made, channels, x_ + at, count, rows_.c, channels, mean_ + first, room.sums,
                             room.squares);
      } else {
        loops_.products((prologue_ ? dx_ : dy_) + at, x_ + at, count, rows_.c, channels, mean_ + first, room.sums,
                        room.squares);
      }
      collect_(dy, room.sums, channels);
      collect_(product, room.squares, channels);
    });
  }

  // dy of a block, where dx will be, or in scratch where nobody wants dx.
  void make(int64_t row, int64_t count, int64_t first, int64_t channels, const Scratch &room) const {
    float *to = room.made;
    rows_.each_piece(row, count, first, channels, [&](int64_t at, int64_t elements, int64_t) {
      prologue_->run(at, elements, nullptr, to, room.slots);
      to += elements;
    });
  }

  // dx = gamma r (dy - sum/M - h dgamma/M) with h = (x - mean) r, as a dy + b x + c.
  template <typename Partial>
  void finish(int64_t first, int64_t channels, Partial partial, int64_t apart) {
    const double count = static_cast<double>(rows_.rows);
    for (int64_t j = 0; j < channels; ++j) {
      double dy = 0, product = 0;
      for (int64_t chunk = 0; chunk < rows_.chunks; ++chunk) {
        dy += partial(chunk)[j];
        product += partial(chunk)[apart + j];
      }
      const int64_t channel = first + j;
      const double r = 1 / std::sqrt(variance_[channel] + this->epsilon_), mean = mean_[channel];
      const double dgamma = product * r;
      if (dgamma_ != nullptr) dgamma_[channel] = static_cast<float>(dgamma);
      if (dbeta_ != nullptr) dbeta_[channel] = static_cast<float>(dy);
      const double a = gamma_[channel] * r, b = -a * r * dgamma / count;
      a_.set(channel, a);
      b_.set(channel, b);
      c_.set(channel, -a * dy / count - b * mean);
    }
  }

  decltype(ReduceLoops<float>::collect) collect_ = reduce_loops_for<float>(Reduction::sum).collect;
  Table a_, b_, c_;
  const T *dy_ = nullptr;
  const float *gamma_ = nullptr, *mean_ = nullptr, *variance_ = nullptr;
  T *dx_ = nullptr;
  float *dgamma_ = nullptr, *dbeta_ = nullptr;
  std::optional<FusedRunner> prologue_;
};

template <template <typename> typename K>
std::unique_ptr<Kernel> make_for(dlc_dtype dtype, const KernelArgs &args, bool fused) {
  require(dtype == DLC_F32 || dtype == DLC_BF16, "batch_norm is for f32 and bf16");
  if (dtype == DLC_BF16) return std::make_unique<K<Bf16>>(args, fused);
  return std::make_unique<K<float>>(args, fused);
}

}  // namespace

bool has_channels_last(const Tensor &x, const Attrs &attrs) {
  if (!channels_last(attrs)) return x.rank() == 2;
  require(x.rank() >= 3, "channels_last is for images");
  return true;
}

std::unique_ptr<Kernel> make_batch_norm_last(const KernelArgs &args, bool fused) {
  return make_for<TrainLast>(args.inputs[0].dtype, args, fused);
}
std::unique_ptr<Kernel> make_batch_norm_last_grad(const KernelArgs &args, bool fused) {
  return make_for<GradLast>(args.inputs[fused ? 0 : 1].dtype, args, fused);
}

}  // namespace dlc
