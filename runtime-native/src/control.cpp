// The kernels that run regions: scan, cond and while. A loop's slices and step results lie apart from all else in its
// block and move through the sequences and stacks, or are copied in and out where a kernel can't follow; carried values
// lie in the step's outputs, where each iteration changes them in place.
#include <algorithm>
#include <utility>

#include "block.h"

namespace dlc {
namespace {

struct Counts {
  size_t consts, carries;
};

Counts counts_of(const KernelArgs &args) {
  const int64_t consts = args.attrs.integer("consts"), carries = args.attrs.integer("carries");
  const auto inputs = static_cast<int64_t>(args.inputs.size()), outputs = static_cast<int64_t>(args.outputs.size());
  require(consts >= 0 && consts <= inputs && carries >= 0 && carries <= inputs - consts && carries <= outputs,
          "more carried values than inputs or outputs");
  return {static_cast<size_t>(consts), static_cast<size_t>(carries)};
}

// The values that a loop carries from one iteration to the next.
class Carries {
 public:
  Carries(const KernelArgs &args, const Counts &counts) : pool_(args.pool) {
    for (size_t j = 0; j < counts.carries; ++j) {
      const Tensor &init = args.inputs[counts.consts + j];
      const Tensor &carried = args.outputs[j];
      require(carried.data && carried.dtype == init.dtype && carried.shape == init.shape,
              "a carried value has no place of its type");
      if (carried.data != init.data) copies_.push_back({carried.data, init.data, init.bytes()});
    }
  }

  void start() const {
    for (const Copy &copy : copies_) copy_bytes(pool_, copy.dst, copy.src, copy.bytes);
  }

 private:
  struct Copy {
    void *dst;
    const void *src;
    size_t bytes;
  };

  ThreadPool &pool_;
  std::vector<Copy> copies_;
};

// The number of the iteration, where the region reads it.
int32_t *index_of(const Region &region) {
  const Tensor &index = region.inputs.back();
  require(!index.data || (index.dtype == DLC_I32 && index.shape.empty()), "the index of a region is not i32[]");
  return index.as<int32_t>();
}

class Scan final : public Kernel {
 public:
  Scan(const KernelArgs &args, Region region)
      : pool_(args.pool),
        region_(std::move(region)),
        carries_(args, counts_of(args)),
        length_(args.attrs.integer("length")),
        reverse_(args.attrs.boolean("reverse")) {
    const Counts counts = counts_of(args);
    const size_t sequences = args.inputs.size() - counts.consts - counts.carries;
    require(length_ >= 0 && length_ <= INT32_MAX, "the length does not fit into an i32");
    require(region_.inputs.size() == sequences + 1, "the body takes another number of slices");
    require(region_.outputs.size() == args.outputs.size() - counts.carries, "the body gives another number of results");
    index_ = index_of(region_);
    for (size_t i = 0; i < sequences; ++i) {
      const Tensor &slice = region_.inputs[i];
      const Tensor &sequence = args.inputs[counts.consts + counts.carries + i];
      require_steps(sequence, slice);
      if (slice.data) before_.push_back({slice.as<std::byte>(), 0, sequence.as<std::byte>(), slice.bytes()});
    }
    for (size_t i = 0; i < region_.outputs.size(); ++i) {
      const Tensor &result = region_.outputs[i];
      const Tensor &stack = args.outputs[counts.carries + i];
      if (!stack.data) continue;
      require_steps(stack, result);
      const size_t bytes = result.bytes();
      (region_.early[i] ? before_ : after_).push_back({stack.as<std::byte>(), bytes, result.as<std::byte>(), 0});
    }
    for (auto *parts : {&before_, &after_})
      for (Part &part : *parts) part.bytes = std::max(part.dst_step, part.src_step);
    choose_moved(args.workspace);
  }

  dlc_status run(RunContext &context) override {
    carries_.start();
    for (int64_t step = 0; step < length_; ++step) {
      const int64_t at = reverse_ ? length_ - 1 - step : step;
      if (index_) *index_ = static_cast<int32_t>(at);
      for (size_t i = 0; i < moved_.size(); ++i)
        region_.block.place(i, moved_[i].begin + static_cast<size_t>(at) * moved_[i].step);
      if (!moved_.empty()) region_.block.moved();
      copy(before_, at);
      const dlc_status status = region_.block.run(context);
      if (status != DLC_OK) return status;
      copy(after_, at);
    }
    return DLC_OK;
  }

 private:
  // A step's part of a sequence or stack, and its place in the region; one of the two moves with the step.
  struct Part {
    std::byte *dst;
    size_t dst_step;
    const std::byte *src;
    size_t src_step;
    size_t bytes = 0;

    bool is_taken() const { return dst_step != 0; }
    const std::byte *place() const { return is_taken() ? src : dst; }
    std::byte *whole() const { return is_taken() ? dst : const_cast<std::byte *>(src); }
  };

  // A part whose place in the region is that of the sequence or stack, step by step.
  struct Moved {
    std::byte *begin;
    size_t step;
  };

  // Parts in the region's own memory that no other part shares, and that every kernel follows.
  void choose_moved(std::span<std::byte> own) {
    std::vector<std::pair<const std::byte *, size_t>> places;
    for (auto *parts : {&before_, &after_})
      for (const Part &part : *parts) places.emplace_back(part.place(), part.bytes);
    const auto alone = [&](const Part &part) {
      const auto meets = [&](const auto &place) {
        return place.first < part.place() + part.bytes && part.place() < place.first + place.second;
      };
      return std::count_if(places.begin(), places.end(), meets) == 1;
    };
    const auto moves = [&](const Part &part) {
      const std::byte *const place = part.place();
      if (part.bytes == 0 || place < own.data() || place + part.bytes > own.data() + own.size() || !alone(part))
        return false;
      if (!region_.block.follow(place, part.bytes, moved_.size())) return false;
      moved_.push_back({part.whole(), part.bytes});
      return true;
    };
    std::erase_if(before_, moves);
    std::erase_if(after_, moves);
  }

  void require_steps(const Tensor &whole, const Tensor &part) const {
    if (!part.data) {
      require(whole.rank() > 0 && whole.shape[0] == length_, "a sequence is not as long as the loop");
      return;
    }
    std::vector<int64_t> shape{length_};
    shape.insert(shape.end(), part.shape.begin(), part.shape.end());
    require(whole.dtype == part.dtype && whole.shape == shape, "a sequence or stack is of another type than its part");
  }

  void copy(const std::vector<Part> &parts, int64_t at) const {
    const auto step = static_cast<size_t>(at);
    for (const Part &part : parts)
      copy_bytes(pool_, part.dst + step * part.dst_step, part.src + step * part.src_step, part.bytes);
  }

  ThreadPool &pool_;
  Region region_;
  Carries carries_;
  int64_t length_;
  bool reverse_;
  int32_t *index_ = nullptr;
  std::vector<Part> before_, after_;
  std::vector<Moved> moved_;
};

// The branches compute into the step's outputs.
class Cond final : public Kernel {
 public:
  Cond(const KernelArgs &args, Region then, Region otherwise)
      : then_(std::move(then)), otherwise_(std::move(otherwise)) {
    require(!args.inputs.empty() && args.inputs[0].dtype == DLC_BOOL && args.inputs[0].shape.empty(),
            "the predicate is not bool[]");
    predicate_ = args.inputs[0].as<uint8_t>();
  }

  dlc_status run(RunContext &context) override { return (*predicate_ ? then_ : otherwise_).block.run(context); }

 private:
  const uint8_t *predicate_;
  Region then_, otherwise_;
};

class While final : public Kernel {
 public:
  While(const KernelArgs &args, Region condition, Region body)
      : condition_(std::move(condition)),
        body_(std::move(body)),
        carries_(args, counts_of(args)),
        limit_(args.attrs.integer("limit")) {
    const Counts counts = counts_of(args);
    require(limit_ >= 0 && limit_ <= INT32_MAX, "the limit does not fit into an i32");
    require(args.inputs.size() == counts.consts + counts.carries, "there are other inputs than consts and carries");
    require(args.outputs.size() == counts.carries + 1, "it gives the carried values and a count");
    require(condition_.inputs.size() == 1 && body_.inputs.size() == 1, "a region takes the index and nothing else");
    require(condition_.outputs.size() == 1 && condition_.outputs[0].dtype == DLC_BOOL &&
                condition_.outputs[0].shape.empty(),
            "the condition is not one bool[]");
    const Tensor &count = args.outputs.back();
    require(!count.data || (count.dtype == DLC_I32 && count.shape.empty()), "the count is not i32[]");
    count_ = count.as<int32_t>();
    holds_ = condition_.outputs[0].as<uint8_t>();
    indices_[0] = index_of(condition_);
    indices_[1] = index_of(body_);
  }

  dlc_status run(RunContext &context) override {
    carries_.start();
    int64_t count = 0;
    for (; count < limit_; ++count) {
      // The regions share their memory: each is given the index when its turn has come.
      if (indices_[0]) *indices_[0] = static_cast<int32_t>(count);
      if (const dlc_status status = condition_.block.run(context); status != DLC_OK) return status;
      if (!*holds_) break;
      if (indices_[1]) *indices_[1] = static_cast<int32_t>(count);
      if (const dlc_status status = body_.block.run(context); status != DLC_OK) return status;
    }
    if (count_) *count_ = static_cast<int32_t>(count);
    return DLC_OK;
  }

 private:
  Region condition_, body_;
  Carries carries_;
  int64_t limit_;
  const uint8_t *holds_ = nullptr;
  int32_t *indices_[2] = {};
  int32_t *count_ = nullptr;
};

}  // namespace

bool is_control(std::string_view op) {
  return op == "scan" || op == "cond" || op == "while";
}

std::unique_ptr<Kernel> make_control(std::string_view op, const KernelArgs &args, std::vector<Region> regions) {
  require(regions.size() == (op == "scan" ? 1 : 2), "it has another number of regions");
  if (op == "scan") {
    require(!regions[0].inputs.empty(), "the body takes no index");
    return std::make_unique<Scan>(args, std::move(regions[0]));
  }
  if (op == "cond") return std::make_unique<Cond>(args, std::move(regions[0]), std::move(regions[1]));
  for (const Region &region : regions) require(!region.inputs.empty(), "a region takes no index");
  return std::make_unique<While>(args, std::move(regions[0]), std::move(regions[1]));
}

}  // namespace dlc
