// A plan as the runtime holds it: the blob's tables, every index and range already checked (plan_loader.cpp), so that
// the executor uses them without a second look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel.h"

namespace dlc {

constexpr size_t kMaxRank = 16;
constexpr uint64_t kAlignment = 64;
constexpr uint32_t kNone = 0xffffffffu;

// Regions nest no deeper.
constexpr uint32_t kMostRegionDepth = 16;

// In a region, operand and result are what the step that runs it is given and gives; the offset is their number.
enum class Space : uint8_t { arena = 0, state = 1, constant = 2, operand = 3, result = 4 };

struct PlanAttr {
  std::string_view key;
  uint8_t kind = 0;             // as in the blob
  double number = 0;            // number, bool
  std::vector<double> numbers;  // numbers, bools
  std::string_view text;        // string
};

// The attributes of one step, by key.
class PlanAttrs final : public Attrs {
 public:
  std::vector<PlanAttr> entries;

  bool has(std::string_view key) const override;
  double number(std::string_view key) const override;
  double number(std::string_view key, double otherwise) const override;
  int64_t integer(std::string_view key) const override;
  bool boolean(std::string_view key) const override;
  bool boolean(std::string_view key, bool otherwise) const override;
  std::string_view string(std::string_view key) const override;
  std::string_view string(std::string_view key, std::string_view otherwise) const override;
  std::vector<int64_t> integers(std::string_view key) const override;
  std::vector<double> numbers(std::string_view key) const override;

 private:
  const PlanAttr *find(std::string_view key) const;
  const PlanAttr &get(std::string_view key, uint8_t kind, const char *kind_name) const;
};

struct PlanTensor {
  std::string_view name;
  dlc_dtype dtype = DLC_F32;
  Space space = Space::arena;
  std::vector<int64_t> shape;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct PlanPort {
  std::string_view name;
  uint32_t tensor = 0;
};

struct PlanStep {
  uint32_t id = 0;  // within the program: its own steps first, then those of its regions
  std::string_view op;
  std::vector<uint32_t> inputs;
  std::vector<uint32_t> outputs;  // kNone: not wanted
  std::vector<uint32_t> regions;
  uint64_t workspace_offset = 0;
  uint64_t workspace_bytes = 0;
  PlanAttrs attrs;
  std::string_view layer;
  std::string_view file;
  uint32_t line = 0;
  uint32_t column = 0;
};

// Steps over one arena.
struct PlanBlock {
  std::string_view name;
  uint64_t arena_bytes = 0;
  std::vector<PlanTensor> tensors;
  std::vector<PlanStep> steps;
};

struct RegionOutput {
  uint32_t tensor = 0;
  bool early = false;  // taken before the region runs
};

// What one step runs, as often as it likes. Its arena is the step's workspace.
struct PlanRegion : PlanBlock {
  std::vector<uint32_t> inputs;  // kNone: nobody reads it
  std::vector<RegionOutput> outputs;
  uint32_t depth = 1;  // of the regions in it, and its own
};

struct PlanProgram : PlanBlock {
  uint32_t prepare = kNone;  // the program whose results, in states, this one reads; run first where a state is new
  bool writes_states = false;
  std::vector<PlanPort> inputs;
  std::vector<PlanPort> outputs;
  std::vector<PlanRegion> regions;
};

// Numbers of steps are below it.
inline uint32_t step_count(const PlanProgram &program) {
  size_t count = program.steps.size();
  for (const PlanRegion &region : program.regions) count += region.steps.size();
  return static_cast<uint32_t>(count);
}

struct Plan {
  Plan() = default;
  Plan(Plan &&) = default;
  Plan &operator=(Plan &&) = default;

  std::vector<std::string> strings;  // what every string_view of the plan points into; so a plan moves, never copies
  std::string_view name;
  std::vector<PlanTensor> states;
  uint64_t state_bytes = 0;
  uint64_t const_bytes = 0;
  std::vector<PlanProgram> programs;
};

// Reads and checks a blob; throws Failure(DLC_BAD_PLAN). `constants` is set to the constant bytes within the blob.
Plan load_plan(std::span<const std::byte> blob, std::span<const std::byte> &constants);

uint64_t fnv1a64(std::span<const std::byte> bytes);

}  // namespace dlc
