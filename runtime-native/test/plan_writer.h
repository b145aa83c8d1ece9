// Writes plan blobs for the tests of the runtime, by the layout in docs/architecture.md and by nothing else.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dlc.h"

namespace dlc::test {

using PlanValue = std::variant<double, std::vector<double>, std::string, bool>;

struct WTensor {
  std::string name;
  dlc_dtype dtype = DLC_F32;
  uint8_t space = 0;  // 0 arena, 1 state, 2 constant, 3 operand, 4 result
  std::vector<uint64_t> shape;
  uint64_t offset = 0;
};
struct WStep {
  std::string op;
  std::vector<uint32_t> inputs, outputs;
  std::map<std::string, PlanValue> attrs;
  uint64_t workspace_offset = 0, workspace_bytes = 0;
  std::string layer = "layer";
  std::string file = "model.yaml";
  uint32_t line = 1, column = 1;
  std::vector<uint32_t> regions = {};
};
struct WRegion {
  std::string name;
  uint64_t arena_bytes = 0;
  std::vector<WTensor> tensors;
  std::vector<uint32_t> inputs;
  std::vector<std::pair<uint32_t, bool>> outputs;  // tensor, taken early
  std::vector<WStep> steps;
};
struct WPort {
  std::string name;
  uint32_t tensor;
};
struct WProgram {
  std::string name;
  uint64_t arena_bytes = 0;
  std::vector<WTensor> tensors;
  std::vector<WPort> inputs, outputs;
  std::vector<WStep> steps;
  std::vector<WRegion> regions = {};
  uint32_t prepare = 0xffffffffu;
};
struct WPlan {
  std::string name = "test";
  std::vector<std::byte> constants;
  std::vector<WTensor> states;
  uint64_t state_bytes = 0;
  std::vector<WProgram> programs;
};

class PlanWriter {
 public:
  std::vector<std::byte> write(const WPlan &plan) {
    body(plan);  // only to collect the names
    out_.clear();
    raw("DLCP", 4);
    u32(3);
    u64(0);
    u64(0);
    u32(static_cast<uint32_t>(names_.size()));
    for (const std::string &name : names_) {
      u32(static_cast<uint32_t>(name.size()));
      raw(name.data(), name.size());
    }
    body(plan);
    seal(out_);
    return out_;
  }

  // Makes the length and the checksum right again after a change.
  static void seal(std::vector<std::byte> &blob) {
    const uint64_t size = blob.size();
    std::memcpy(blob.data() + 8, &size, 8);
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 24; i < blob.size(); ++i) hash = (hash ^ static_cast<uint64_t>(blob[i])) * 0x100000001b3u;
    std::memcpy(blob.data() + 16, &hash, 8);
  }

 private:
  void raw(const void *data, size_t bytes) {
    const auto *from = static_cast<const std::byte *>(data);
    out_.insert(out_.end(), from, from + bytes);
  }
  void u8(uint8_t value) { raw(&value, 1); }
  void u16(size_t value) {
    const auto narrow = static_cast<uint16_t>(value);
    raw(&narrow, 2);
  }
  void u32(uint32_t value) { raw(&value, 4); }
  void u64(uint64_t value) { raw(&value, 8); }
  void f64(double value) { raw(&value, 8); }
  void text(const std::string &value) {
    uint32_t index = 0;
    while (index < names_.size() && names_[index] != value) ++index;
    if (index == names_.size()) names_.push_back(value);
    u32(index);
  }

  void body(const WPlan &plan) {
    text(plan.name);
    u64(plan.constants.size());
    while (out_.size() % 64) u8(0);
    raw(plan.constants.data(), plan.constants.size());
    u32(static_cast<uint32_t>(plan.states.size()));
    for (const WTensor &state : plan.states) {
      text(state.name);
      u8(0);
      u8(static_cast<uint8_t>(state.dtype));
      shape(state);
    }
    u64(plan.state_bytes);
    u32(static_cast<uint32_t>(plan.programs.size()));
    for (const WProgram &program : plan.programs) write_program(program);
  }

  void shape(const WTensor &tensor) {
    u16(tensor.shape.size());
    for (const uint64_t extent : tensor.shape) u64(extent);
    u64(tensor.offset);
  }

  void write_program(const WProgram &program) {
    text(program.name);
    u32(program.prepare);
    u64(program.arena_bytes);
    write_tensors(program.tensors);
    for (const auto *ports : {&program.inputs, &program.outputs}) {
      u32(static_cast<uint32_t>(ports->size()));
      for (const WPort &port : *ports) {
        text(port.name);
        u32(port.tensor);
      }
    }
    u32(static_cast<uint32_t>(program.regions.size()));
    for (const WRegion &region : program.regions) write_region(region);
    write_steps(program.steps);
  }

  void write_region(const WRegion &region) {
    text(region.name);
    u64(region.arena_bytes);
    write_tensors(region.tensors);
    u32(static_cast<uint32_t>(region.inputs.size()));
    for (const uint32_t index : region.inputs) u32(index);
    u32(static_cast<uint32_t>(region.outputs.size()));
    for (const auto &[tensor, early] : region.outputs) {
      u32(tensor);
      u8(early);
    }
    write_steps(region.steps);
  }

  void write_tensors(const std::vector<WTensor> &tensors) {
    u32(static_cast<uint32_t>(tensors.size()));
    for (const WTensor &tensor : tensors) {
      text(tensor.name);
      u8(static_cast<uint8_t>(tensor.dtype));
      u8(tensor.space);
      shape(tensor);
    }
  }

  void write_steps(const std::vector<WStep> &steps) {
    u32(static_cast<uint32_t>(steps.size()));
    for (const WStep &step : steps) write_step(step);
  }

  void write_step(const WStep &step) {
    text(step.op);
    for (const auto *indices : {&step.inputs, &step.outputs}) {
      u16(indices->size());
      for (const uint32_t index : *indices) u32(index);
    }
    u64(step.workspace_offset);
    u64(step.workspace_bytes);
    u16(step.regions.size());
    for (const uint32_t index : step.regions) u32(index);
    u16(step.attrs.size());
    for (const auto &[key, value] : step.attrs) {
      text(key);
      if (const auto *number = std::get_if<double>(&value)) {
        u8(0);
        f64(*number);
      } else if (const auto *numbers = std::get_if<std::vector<double>>(&value)) {
        u8(1);
        u32(static_cast<uint32_t>(numbers->size()));
        for (const double each : *numbers) f64(each);
      } else if (const auto *word = std::get_if<std::string>(&value)) {
        u8(2);
        text(*word);
      } else {
        u8(4);
        u8(std::get<bool>(value));
      }
    }
    text(step.layer);
    text(step.file);
    u32(step.line);
    u32(step.column);
  }

  std::vector<std::byte> out_;
  std::vector<std::string> names_;
};

// A little of everything: y = relu(x W + c), the loss its checked sum, and w -= lr * x (broadcast over the state).
inline WPlan small_plan() {
  WPlan plan;
  plan.constants.resize(64);
  const float c[4] = {0.5f, -0.5f, 1, 0};
  std::memcpy(plan.constants.data(), c, sizeof c);
  plan.states = {{"w", DLC_F32, 1, {3, 4}, 0}};
  plan.state_bytes = 64;
  WProgram train;
  train.name = "train";
  train.arena_bytes = 256;
  train.tensors = {{"x", DLC_F32, 0, {2, 3}, 0},  {"w", DLC_F32, 1, {3, 4}, 0},  {"c", DLC_F32, 2, {4}, 0},
                   {"y", DLC_F32, 0, {2, 4}, 64}, {"loss", DLC_F32, 0, {}, 128}, {"rng", DLC_I64, 0, {2}, 192}};
  train.inputs = {{"x", 0}, {"rng", 5}};
  train.outputs = {{"loss", 4}, {"y", 3}};
  train.steps = {
      {"matmul", {0, 1, 2}, {3}, {{"transpose_a", false}, {"transpose_b", false}, {"activation", std::string("relu")}}},
      {"dropout", {3, 5}, {3}, {{"rate", 0.25}, {"stream", 7.0}}},
      {"reduce_sum", {3}, {4}, {{"axes", std::vector<double>{0, 1}}, {"keepdims", false}}},
      {"check_finite", {4}, {4}, {{"what", std::string("loss")}}},
      {"fused_elementwise", {1}, {1}, {{"program", std::string("a = mul(%0, 0.5); b = add(a, 0.25); yield b")}}},
  };
  for (uint32_t i = 0; i < train.steps.size(); ++i) train.steps[i].line = 10 + i;
  plan.programs = {train};
  return plan;
}

// w is the state of [2]; `learn`: w += 1; `prepare`: d = 2 w, a state that is in no table; `use`: y = x + d.
inline WPlan prepared_plan() {
  WPlan plan;
  plan.states = {{"w", DLC_F32, 1, {2}, 0}};
  plan.state_bytes = 128;
  WProgram learn, use, prepare;
  learn.name = "learn";
  learn.tensors = {{"w", DLC_F32, 1, {2}, 0}};
  learn.steps = {{"fused_elementwise", {0}, {0}, {{"program", std::string("a = add(%0, 1); yield a")}}}};
  use.name = "use";
  use.prepare = 2;
  use.arena_bytes = 64;
  use.tensors = {{"x", DLC_F32, 0, {2}, 0}, {"d", DLC_F32, 1, {2}, 64}};
  use.inputs = {{"x", 0}};
  use.outputs = {{"y", 0}};
  use.steps = {{"fused_elementwise", {0, 1}, {0}, {{"program", std::string("a = add(%0, %1); yield a")}}}};
  prepare.name = "prepare";
  prepare.tensors = {{"w", DLC_F32, 1, {2}, 0}, {"d", DLC_F32, 1, {2}, 64}};
  prepare.steps = {{"fused_elementwise", {0}, {1}, {{"program", std::string("a = mul(%0, 2); yield a")}}}};
  plan.programs = {learn, use, prepare};
  return plan;
}

// Loops and a branch: h = 0; for x[t] from the last to the first: h = sin(h + x[t]), every h before and after is
// stacked; then while sum(h) > 0: h = h - k; then the greater half of a cond. The scan's body holds a scan of its own.
inline WPlan looping_plan() {
  WPlan plan;
  plan.constants.resize(128);
  const float k[2] = {0.25f, 0.5f};
  std::memcpy(plan.constants.data(), k, sizeof k);
  plan.states = {{"h0", DLC_F32, 1, {2}, 0}};
  plan.state_bytes = 64;
  WProgram run;
  run.name = "run";
  run.arena_bytes = 1024;
  run.tensors = {{"xs", DLC_F32, 0, {3, 2}, 0},       {"h0", DLC_F32, 1, {2}, 0},         {"h", DLC_F32, 0, {2}, 64},
                 {"before", DLC_F32, 0, {3, 2}, 128}, {"after", DLC_F32, 0, {3, 2}, 192}, {"k", DLC_F32, 2, {2}, 0},
                 {"low", DLC_F32, 0, {2}, 256},       {"count", DLC_I32, 0, {}, 320},     {"p", DLC_BOOL, 0, {}, 384},
                 {"y", DLC_F32, 0, {2}, 448}};
  run.inputs = {{"xs", 0}, {"p", 8}};
  run.outputs = {{"before", 3}, {"after", 4}, {"low", 6}, {"count", 7}, {"y", 9}};
  WRegion inner;
  inner.name = "inner";
  inner.tensors = {{"z", DLC_F32, 4, {2}, 0}, {"k", DLC_F32, 3, {2}, 0}};
  inner.inputs = {0xffffffff};
  inner.steps = {{"fused_elementwise", {0, 1}, {0}, {{"program", std::string("a = add(%0, %1); yield a")}}}};
  WRegion body;
  body.name = "body";
  body.arena_bytes = 256;
  body.tensors = {{"h", DLC_F32, 4, {2}, 0},
                  {"x", DLC_F32, 0, {2}, 0},
                  {"z", DLC_F32, 0, {2}, 64},
                  {"k", DLC_F32, 3, {2}, 0},
                  {"index", DLC_I32, 0, {}, 128}};
  body.inputs = {1, 4};
  body.outputs = {{0, true}, {0, false}};
  body.steps = {
      {"scan",
       {3, 1},
       {2},
       {{"consts", 1.0}, {"carries", 1.0}, {"length", 2.0}, {"reverse", false}},
       192,
       64,
       "inner",
       "model.yaml",
       21,
       1,
       {0}},
      {"fused_elementwise", {0, 2}, {0}, {{"program", std::string("a = add(%0, %1); b = sin(a); yield b")}}},
      {"check_finite", {0}, {0}, {{"what", std::string("h")}}},
  };
  body.steps[2].layer = "inside";
  body.steps[2].line = 77;
  WRegion condition;
  condition.name = "condition";
  condition.arena_bytes = 128;
  condition.tensors = {{"h", DLC_F32, 4, {2}, 0}, {"sum", DLC_F32, 0, {}, 0}, {"holds", DLC_BOOL, 0, {}, 64}};
  condition.inputs = {0xffffffff};
  condition.outputs = {{2, false}};
  condition.steps = {
      {"reduce_sum", {0}, {1}, {{"axes", std::vector<double>{0}}, {"keepdims", false}}},
      {"fused_elementwise", {1}, {2}, {{"program", std::string("a = greater(%0, 0); yield a")}}},
  };
  WRegion lower;
  lower.name = "body";
  lower.tensors = {{"h", DLC_F32, 4, {2}, 0}, {"k", DLC_F32, 3, {2}, 0}};
  lower.inputs = {0xffffffff};
  lower.steps = {{"fused_elementwise", {0, 1}, {0}, {{"program", std::string("a = sub(%0, %1); yield a")}}}};
  const auto branch = [](const char *name, const char *program) {
    WRegion made;
    made.name = name;
    made.tensors = {{"x", DLC_F32, 3, {2}, 1}, {"y", DLC_F32, 4, {2}, 0}};
    made.steps = {{"fused_elementwise", {0}, {1}, {{"program", std::string(program)}}}};
    return made;
  };
  run.regions = {
      inner, body, condition, lower, branch("then", "a = neg(%0); yield a"), branch("else", "a = square(%0); yield a")};
  run.steps = {
      {"scan",
       {5, 1, 0},
       {2, 3, 4},
       {{"consts", 1.0}, {"carries", 1.0}, {"length", 3.0}, {"reverse", true}},
       512,
       256,
       "loop",
       "model.yaml",
       10,
       1,
       {1}},
      {"while",
       {5, 2},
       {6, 7},
       {{"consts", 1.0}, {"carries", 1.0}, {"limit", 100.0}},
       512,
       128,
       "until",
       "model.yaml",
       30,
       1,
       {2, 3}},
      {"cond", {8, 6}, {9}, {}, 512, 0, "choice", "model.yaml", 40, 1, {4, 5}},
  };
  plan.programs = {run};
  return plan;
}

}  // namespace dlc::test
