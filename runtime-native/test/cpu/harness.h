// Runs one kernel by name on tensors that a test fills: outputs between guard words that must survive, workspace of
// exactly the size given, any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "cpu/convert.h"
#include "cpu_features.h"
#include "kernel.h"

namespace dlc::test {

using AttrValue = std::variant<double, bool, std::string, std::vector<double>>;

class MapAttrs final : public Attrs {
 public:
  std::map<std::string, AttrValue, std::less<>> values;

  bool has(std::string_view key) const override { return values.find(key) != values.end(); }
  double number(std::string_view key) const override { return get<double>(key); }
  double number(std::string_view key, double otherwise) const override { return has(key) ? number(key) : otherwise; }
  int64_t integer(std::string_view key) const override { return static_cast<int64_t>(number(key)); }
  bool boolean(std::string_view key) const override { return get<bool>(key); }
  bool boolean(std::string_view key, bool otherwise) const override { return has(key) ? boolean(key) : otherwise; }
  std::string_view string(std::string_view key) const override { return get<std::string>(key); }
  std::string_view string(std::string_view key, std::string_view otherwise) const override {
    return has(key) ? string(key) : otherwise;
  }
  std::vector<int64_t> integers(std::string_view key) const override {
    const std::vector<double> &list = get<std::vector<double>>(key);
    std::vector<int64_t> out;
    for (const double value : list) out.push_back(static_cast<int64_t>(value));
    return out;
  }
  std::vector<double> numbers(std::string_view key) const override { return get<std::vector<double>>(key); }

 private:
  template <typename T>
  const T &get(std::string_view key) const {
    const auto found = values.find(key);
    if (found == values.end() || !std::holds_alternative<T>(found->second)) {
      throw Failure(DLC_BAD_PLAN, "attribute " + std::string(key));
    }
    return std::get<T>(found->second);
  }
};

// A tensor with its memory: 64-byte aligned, guard words around it.
class Buffer {
 public:
  Buffer(std::vector<int64_t> shape, dlc_dtype dtype = DLC_F32) {
    tensor_.dtype = dtype;
    tensor_.shape = std::move(shape);
    const size_t bytes = tensor_.bytes();
    storage_.assign(bytes + 3 * kGuard, std::byte{0x5a});
    const auto at = reinterpret_cast<uintptr_t>(storage_.data());
    offset_ = (at + kGuard + 63) / 64 * 64 - at;
    tensor_.data = storage_.data() + offset_;
    // What a kernel does not write shows up as NaN.
    if (dtype == DLC_F32) {
      for (float &value : floats()) value = std::nanf("");
    } else if (dtype == DLC_BF16) {
      for (Bf16 &value : halves()) value = Bf16{0x7fff};
    }
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  Buffer(Buffer &&) = default;

  const Tensor &tensor() const { return tensor_; }
  std::span<float> floats() const { return {tensor_.as<float>(), static_cast<size_t>(tensor_.elements())}; }
  std::span<Bf16> halves() const { return {tensor_.as<Bf16>(), static_cast<size_t>(tensor_.elements())}; }
  // The numbers of a tensor of f32 or bf16.
  std::vector<float> wide() const {
    if (tensor_.dtype == DLC_F32) return {floats().begin(), floats().end()};
    std::vector<float> values;
    for (const Bf16 half : halves()) values.push_back(half.wide());
    return values;
  }
  std::span<int32_t> ints() const { return {tensor_.as<int32_t>(), static_cast<size_t>(tensor_.elements())}; }
  std::span<uint8_t> bytes() const { return {tensor_.as<uint8_t>(), tensor_.bytes()}; }

  bool guards_hold() const {
    const size_t end = offset_ + tensor_.bytes();
    for (size_t i = 0; i < storage_.size(); ++i) {
      if ((i < offset_ || i >= end) && storage_[i] != std::byte{0x5a}) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  Tensor tensor_;
  std::vector<std::byte> storage_;
  size_t offset_ = 0;
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int64_t integer(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }
  bool chance(double p) { return std::uniform_real_distribution<double>()(engine_) < p; }
  void fill(const Buffer &buffer, float low = -1, float high = 1) {
    std::uniform_real_distribution<float> draw(low, high);
    if (buffer.tensor().dtype == DLC_BF16) {
      for (Bf16 &value : buffer.halves()) value = Bf16::of(draw(engine_));
    } else {
      for (float &value : buffer.floats()) value = draw(engine_);
    }
  }

 private:
  std::mt19937 engine_;
};

inline KernelFactory kernel_named(std::string_view name) {
  for (const KernelEntry &entry : cpu_kernels()) {
    if (entry.name == name) return entry.make;
  }
  throw Failure(DLC_UNSUPPORTED, "no kernel " + std::string(name));
}

struct Outcome {
  dlc_status status = DLC_OK;
  std::string message;
};

// Prepares and runs twice (a kernel must not depend on what its last run left). A null output is absent.
inline Outcome run_kernel(std::string_view name, const std::vector<const Buffer *> &inputs,
                          const std::vector<const Buffer *> &outputs, const MapAttrs &attrs, size_t workspace_bytes,
                          int threads = 1) {
  ThreadPool pool(threads);
  std::vector<Tensor> in, out;
  for (const Buffer *buffer : inputs) in.push_back(buffer->tensor());
  for (const Buffer *buffer : outputs) out.push_back(buffer ? buffer->tensor() : Tensor{});
  Buffer workspace({static_cast<int64_t>(workspace_bytes)}, DLC_U8);
  std::memset(workspace.bytes().data(), 0xff, workspace_bytes);
  const KernelArgs args{
      in, out, attrs, {reinterpret_cast<std::byte *>(workspace.bytes().data()), workspace_bytes}, pool};
  RunContext context{};
  Outcome outcome;
  try {
    const std::unique_ptr<Kernel> kernel = kernel_named(name)(args);
    for (int i = 0; i < 2 && outcome.status == DLC_OK; ++i) outcome.status = kernel->run(context);
    outcome.message = context.message;
  } catch (const Failure &failure) {
    outcome = {failure.status(), failure.what()};
  }
  bool held = workspace.guards_hold();
  for (const Buffer *buffer : outputs) held = held && (buffer == nullptr || buffer->guards_hold());
  if (!held) outcome = {DLC_INTERNAL, std::string(name) + " wrote outside its outputs"};
  return outcome;
}

// Largest difference relative to the largest magnitude, or to `least` where all are smaller.
inline double error_of(std::span<const float> found, std::span<const double> expected, double least = 1e-30) {
  double worst = 0, scale = least;
  for (size_t i = 0; i < expected.size(); ++i) scale = std::max(scale, std::abs(expected[i]));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]);
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
  }
  return found.size() == expected.size() ? worst / scale : INFINITY;
}

inline bool same_bytes(const Buffer &a, const Buffer &b) {
  return a.tensor().bytes() == b.tensor().bytes() &&
         std::memcmp(a.tensor().data, b.tensor().data, a.tensor().bytes()) == 0;
}

// The values of a bf16 tensor as an f32 tensor.
inline Buffer widened(const Buffer &buffer) {
  Buffer wide(buffer.tensor().shape);
  for (size_t i = 0; i < buffer.halves().size(); ++i) wide.floats()[i] = buffer.halves()[i].wide();
  return wide;
}

// True if the bf16 tensor holds the f32 tensor's values, rounded.
inline bool is_rounded(const Buffer &narrow, const Buffer &wide) {
  if (narrow.tensor().dtype != DLC_BF16 || narrow.tensor().shape != wide.tensor().shape) return false;
  for (size_t i = 0; i < narrow.halves().size(); ++i) {
    if (narrow.halves()[i].bits != Bf16::of(wide.floats()[i]).bits) return false;
  }
  return true;
}

// Calls body() once for each instruction set of this processor.
template <typename F>
void each_isa(F body) {
  const Isa best = isa();
  for (const Isa most : {Isa::avx512, Isa::avx2, Isa::baseline}) {
    if (most > best) continue;
    limit_isa(most);
    body();
  }
  limit_isa(Isa::avx512);
}

// The same, and once more without dot products of bfloat16 pairs where the processor has them.
template <typename F>
void each_bf16_isa(F body) {
  each_isa(body);
  if (!has_bf16_dots()) return;
  allow_bf16_dots(false);
  body();
  allow_bf16_dots(true);
}

}  // namespace dlc::test
