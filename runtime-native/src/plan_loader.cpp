// Reads a plan blob (layout: docs/architecture.md). The blob may be hostile: a count is compared with the bytes that
// are left before anything is reserved, sums can't overflow, and every index and range is checked here once.
#include <algorithm>
#include <bit>
#include <cstring>

#include "plan.h"

namespace dlc {
namespace {

static_assert(std::endian::native == std::endian::little, "plans are little-endian and read as they are");

constexpr uint32_t kVersion = 3;
// No section or extent of a real plan comes near; below it sums of two can't overflow.
constexpr uint64_t kMostBytes = uint64_t{1} << 56;

[[noreturn]] void bad(const std::string &what) {
  throw Failure(DLC_BAD_PLAN, "plan: " + what);
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

  std::span<const std::byte> take(uint64_t count) {
    if (count > left()) bad("ends early");
    const auto part = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return part;
  }

  template <typename T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  // A count of things that take at least `least` bytes each.
  template <typename T>
  T count(size_t least) {
    const T value = read<T>();
    if (value > left() / least) bad("a count is larger than the file");
    return value;
  }

  void align() {
    const size_t rest = position_ % kAlignment;
    if (rest) take(kAlignment - rest);
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

class Loader {
 public:
  Loader(std::span<const std::byte> blob, Plan &plan) : in_(blob), plan_(plan) {}

  std::span<const std::byte> load(std::span<const std::byte> blob) {
    header(blob);
    const auto strings = in_.count<uint32_t>(4);
    plan_.strings.reserve(strings);
    for (uint32_t i = 0; i < strings; ++i) {
      const auto text = in_.take(in_.read<uint32_t>());
      plan_.strings.emplace_back(reinterpret_cast<const char *>(text.data()), text.size());
    }
    plan_.name = string();
    plan_.const_bytes = size("constants");
    in_.align();
    const auto constants = in_.take(plan_.const_bytes);
    const auto states = in_.count<uint32_t>(16);
    plan_.states.reserve(states);
    for (uint32_t i = 0; i < states; ++i) plan_.states.push_back(state());
    plan_.state_bytes = size("states");
    for (const PlanTensor &state : plan_.states) inside(state.offset, state.bytes, plan_.state_bytes, "a state");
    const auto programs = in_.count<uint32_t>(32);
    plan_.programs.reserve(programs);
    for (uint32_t i = 0; i < programs; ++i) plan_.programs.push_back(program());
    for (const PlanProgram &program : plan_.programs) prepared(program);
    if (in_.left()) bad("bytes after the end");
    return constants;
  }

 private:
  void header(std::span<const std::byte> blob) {
    if (blob.size() < 24 || std::memcmp(in_.take(4).data(), "DLCP", 4) != 0) bad("not a plan");
    if (const auto version = in_.read<uint32_t>(); version != kVersion)
      throw Failure(DLC_BAD_PLAN, "plan: version " + std::to_string(version) + ", this runtime reads version " +
                                      std::to_string(kVersion));
    if (in_.read<uint64_t>() != blob.size()) bad("truncated, or longer than it says");
    const auto sum = in_.read<uint64_t>();
    if (sum != fnv1a64(blob.subspan(in_.position()))) bad("corrupt: the checksum differs");
  }

  std::string_view string() {
    const auto index = in_.read<uint32_t>();
    if (index >= plan_.strings.size()) bad("a string index is out of range");
    return plan_.strings[index];
  }

  uint64_t size(const char *what) {
    const auto bytes = in_.read<uint64_t>();
    if (bytes > kMostBytes) bad(std::string("impossible size of ") + what);
    return bytes;
  }

  static void inside(uint64_t offset, uint64_t bytes, uint64_t section, const char *what) {
    if (offset % kAlignment) bad(std::string(what) + " is not aligned");
    if (offset > section || bytes > section - offset) bad(std::string(what) + " lies outside its section");
  }

  // dtype and shape; `between` reads what the layout has between the two.
  template <typename F>
  PlanTensor tensor(F between) {
    PlanTensor tensor;
    tensor.name = string();
    between(tensor);
    const auto rank = in_.count<uint16_t>(8);
    if (rank > kMaxRank) bad("a tensor of too many dimensions");
    // Extents of 0 count as 1 here, so that strides can't overflow either.
    uint64_t bytes = size_of(tensor.dtype);
    bool empty = false;
    for (uint16_t axis = 0; axis < rank; ++axis) {
      const auto extent = in_.read<uint64_t>();
      if (__builtin_mul_overflow(bytes, std::max<uint64_t>(extent, 1), &bytes) || bytes > kMostBytes)
        bad("a tensor of impossible size");
      empty |= extent == 0;
      tensor.shape.push_back(static_cast<int64_t>(extent));
    }
    tensor.bytes = empty ? 0 : bytes;
    tensor.offset = in_.read<uint64_t>();
    return tensor;
  }

  dlc_dtype dtype() {
    const auto code = in_.read<uint8_t>();
    if (code > DLC_BOOL) bad("unknown dtype");
    return static_cast<dlc_dtype>(code);
  }

  PlanTensor state() {
    return tensor([&](PlanTensor &state) {
      if (in_.read<uint8_t>() > 2) bad("unknown role of a state");
      state.dtype = dtype();
      state.space = Space::state;
    });
  }

  PlanProgram program() {
    PlanProgram program;
    program.name = string();
    program.prepare = in_.read<uint32_t>();
    program.arena_bytes = size("an arena");
    tensors(program, Space::constant);
    ports(program, program.inputs);
    for (const PlanPort &input : program.inputs)
      if (program.tensors[input.tensor].space != Space::arena) bad("an input lies outside the arena");
    ports(program, program.outputs);
    const auto regions = in_.count<uint32_t>(28);
    program.regions.reserve(regions);
    unused_ = regions;
    used_.assign(regions, false);
    for (uint32_t i = 0; i < regions; ++i) program.regions.push_back(region(program));
    steps(program, program);
    if (unused_) bad("a region belongs to no step");
    for (const PlanStep &step : program.steps)
      for (const uint32_t at : step.outputs)
        program.writes_states |= at != kNone && program.tensors[at].space == Space::state;
    auto id = static_cast<uint32_t>(program.steps.size());
    for (PlanRegion &region : program.regions)
      for (PlanStep &step : region.steps) step.id = id++;
    return program;
  }

  // Nobody gives inputs to a program that prepares, and nothing prepares for it.
  void prepared(const PlanProgram &program) {
    if (program.prepare == kNone) return;
    if (program.prepare >= plan_.programs.size()) bad("a program index is out of range");
    const PlanProgram &before = plan_.programs[program.prepare];
    if (!before.inputs.empty() || before.prepare != kNone) bad("a program that prepares needs something itself");
  }

  PlanRegion region(const PlanProgram &program) {
    PlanRegion region;
    region.name = string();
    region.arena_bytes = size("an arena");
    tensors(region, Space::result);
    const auto inputs = in_.count<uint32_t>(4);
    region.inputs.reserve(inputs);
    for (uint32_t i = 0; i < inputs; ++i) {
      const auto at = in_.read<uint32_t>();
      if (at != kNone && (at >= region.tensors.size() || region.tensors[at].space != Space::arena))
        bad("an input of a region lies outside its arena");
      region.inputs.push_back(at);
    }
    const auto outputs = in_.count<uint32_t>(5);
    region.outputs.reserve(outputs);
    for (uint32_t i = 0; i < outputs; ++i) {
      const uint32_t tensor = index(region);
      region.outputs.push_back({tensor, in_.read<uint8_t>() != 0});
    }
    region.depth += steps(region, program);
    if (region.depth > kMostRegionDepth) bad("regions are nested too deeply");
    return region;
  }

  void tensors(PlanBlock &block, Space most) {
    const auto tensors = in_.count<uint32_t>(16);
    block.tensors.reserve(tensors);
    for (uint32_t i = 0; i < tensors; ++i) {
      PlanTensor made = tensor([&](PlanTensor &t) {
        t.dtype = dtype();
        const auto space = in_.read<uint8_t>();
        if (space > static_cast<uint8_t>(most)) bad("unknown space of a tensor");
        t.space = static_cast<Space>(space);
      });
      // What is the step's is checked where the step is known.
      if (made.space <= Space::constant) {
        const uint64_t section = made.space == Space::arena   ? block.arena_bytes
                                 : made.space == Space::state ? plan_.state_bytes
                                                              : plan_.const_bytes;
        inside(made.offset, made.bytes, section, "a tensor");
      }
      block.tensors.push_back(std::move(made));
    }
  }

  void ports(const PlanProgram &program, std::vector<PlanPort> &ports) {
    const auto count = in_.count<uint32_t>(8);
    ports.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      const std::string_view name = string();
      ports.push_back({name, index(program)});
    }
  }

  uint32_t index(const PlanBlock &block) {
    const auto index = in_.read<uint32_t>();
    if (index >= block.tensors.size()) bad("a tensor index is out of range");
    return index;
  }

  // Gives the depth of the regions that the steps run.
  uint32_t steps(PlanBlock &block, const PlanProgram &program) {
    const auto steps = in_.count<uint32_t>(44);
    block.steps.reserve(steps);
    uint32_t depth = 0;
    for (uint32_t i = 0; i < steps; ++i) {
      block.steps.push_back(step(block, program));
      block.steps.back().id = i;
      for (const uint32_t at : block.steps.back().regions) depth = std::max(depth, program.regions[at].depth);
    }
    return depth;
  }

  PlanStep step(const PlanBlock &block, const PlanProgram &program) {
    PlanStep step;
    step.op = string();
    const auto inputs = in_.count<uint16_t>(4);
    step.inputs.reserve(inputs);
    for (uint16_t i = 0; i < inputs; ++i) step.inputs.push_back(index(block));
    const auto outputs = in_.count<uint16_t>(4);
    step.outputs.reserve(outputs);
    // A region is pure: it writes to its own arena and to what its step gives.
    const bool in_region = &block != &program;
    for (uint16_t i = 0; i < outputs; ++i) {
      const auto at = in_.read<uint32_t>();
      if (at != kNone && at >= block.tensors.size()) bad("a tensor index is out of range");
      const Space space = at == kNone ? Space::arena : block.tensors[at].space;
      if (space == Space::constant || space == Space::operand) bad("a step writes to a constant");
      if (in_region && space == Space::state) bad("a step of a region writes to a state");
      step.outputs.push_back(at);
    }
    step.workspace_offset = in_.read<uint64_t>();
    step.workspace_bytes = in_.read<uint64_t>();
    inside(step.workspace_offset, step.workspace_bytes, block.arena_bytes, "a workspace");
    const auto regions = in_.count<uint16_t>(4);
    step.regions.reserve(regions);
    for (uint16_t i = 0; i < regions; ++i) {
      const auto at = in_.read<uint32_t>();
      // Only regions that stand before: so none runs itself.
      if (at >= program.regions.size()) bad("a region index is out of range");
      if (used_[at]) bad("a region belongs to two steps");
      used_[at] = true;
      --unused_;
      belongs(program.regions[at], step, block);
      step.regions.push_back(at);
    }
    const auto attrs = in_.count<uint16_t>(6);
    step.attrs.entries.reserve(attrs);
    for (uint16_t i = 0; i < attrs; ++i) step.attrs.entries.push_back(attr());
    step.layer = string();
    step.file = string();
    step.line = in_.read<uint32_t>();
    step.column = in_.read<uint32_t>();
    return step;
  }

  // What the region shares with the step that runs it.
  static void belongs(const PlanRegion &region, const PlanStep &step, const PlanBlock &block) {
    if (region.arena_bytes > step.workspace_bytes) bad("a region's arena is larger than its step's workspace");
    for (const PlanTensor &tensor : region.tensors) {
      if (tensor.space <= Space::constant) continue;
      const auto &shared = tensor.space == Space::operand ? step.inputs : step.outputs;
      if (tensor.offset >= shared.size() || shared[tensor.offset] == kNone)
        bad("a region uses a tensor that its step does not have");
      const PlanTensor &outer = block.tensors[shared[tensor.offset]];
      if (outer.bytes != tensor.bytes || outer.dtype != tensor.dtype)
        bad("a tensor of a region is of another type than its step's");
    }
  }

  PlanAttr attr() {
    PlanAttr attr;
    attr.key = string();
    attr.kind = in_.read<uint8_t>();
    switch (attr.kind) {
      case 0:
        attr.number = in_.read<double>();
        break;
      case 1: {
        const auto count = in_.count<uint32_t>(8);
        attr.numbers.reserve(count);
        for (uint32_t i = 0; i < count; ++i) attr.numbers.push_back(in_.read<double>());
        break;
      }
      case 2:
        attr.text = string();
        break;
      case 3: {
        // No kernel takes a list of strings yet; the indices are checked all the same.
        const auto count = in_.count<uint32_t>(4);
        for (uint32_t i = 0; i < count; ++i) string();
        break;
      }
      case 4:
        attr.number = in_.read<uint8_t>() != 0;
        break;
      case 5: {
        const auto count = in_.count<uint32_t>(1);
        attr.numbers.reserve(count);
        for (uint32_t i = 0; i < count; ++i) attr.numbers.push_back(in_.read<uint8_t>() != 0);
        break;
      }
      default:
        bad("unknown kind of attribute");
    }
    return attr;
  }

  Reader in_;
  Plan &plan_;
  // Of the program that is being read: which regions a step runs already.
  std::vector<bool> used_;
  uint32_t unused_ = 0;
};

}  // namespace

uint64_t fnv1a64(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

Plan load_plan(std::span<const std::byte> blob, std::span<const std::byte> &constants) {
  Plan plan;
  constants = Loader(blob, plan).load(blob);
  return plan;
}

}  // namespace dlc
