// What a kernel is: prepared once for fixed addresses and shapes, then run every step. Preparing may allocate and
// throw Failure; running does neither. Kernel files register nothing by themselves: cpu/registry.cpp lists them all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dlc.h"
#include "status.h"
#include "thread_pool.h"

namespace dlc {

size_t size_of(dlc_dtype dtype);

struct Tensor {
  void *data = nullptr;  // fixed for the life of the session; null: absent (an output that nobody reads)
  dlc_dtype dtype = DLC_F32;
  std::vector<int64_t> shape;
  std::string name;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t elements() const;
  size_t bytes() const;
  template <typename T>
  T *as() const {
    return static_cast<T *>(data);
  }
};

// Attributes of a plan step. Each getter throws DLC_BAD_PLAN when the attribute is absent or of another kind,
// except the ones with a default.
class Attrs {
 public:
  virtual ~Attrs() = default;
  virtual bool has(std::string_view key) const = 0;
  virtual double number(std::string_view key) const = 0;
  virtual double number(std::string_view key, double otherwise) const = 0;
  virtual int64_t integer(std::string_view key) const = 0;
  virtual bool boolean(std::string_view key) const = 0;
  virtual bool boolean(std::string_view key, bool otherwise) const = 0;
  virtual std::string_view string(std::string_view key) const = 0;
  virtual std::string_view string(std::string_view key, std::string_view otherwise) const = 0;
  virtual std::vector<int64_t> integers(std::string_view key) const = 0;
  virtual std::vector<double> numbers(std::string_view key) const = 0;
};

struct KernelArgs {
  std::span<const Tensor> inputs;
  std::span<const Tensor> outputs;
  const Attrs &attrs;
  std::span<std::byte> workspace;  // 64-byte aligned, as large as the plan says
  ThreadPool &pool;
};

struct PlanStep;

// Given to every run: where a kernel that fails says why. Messages are written into fixed storage.
struct RunContext {
  char message[512] = "";
  const PlanStep *failed = nullptr;  // the step whose kernel failed: in a region, the one inside
  bool trace = false;                // look at every value that a step gives
  double *seconds = nullptr;         // where each step's time is added, by its number; null: nobody asks
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual dlc_status run(RunContext &context) = 0;
  // From now on the same tensors are at these addresses: in a loop, where a step's parts of sequences and stacks lie.
  // False, and nothing has changed, where a kernel does not move. Allocates nothing.
  virtual bool move(std::span<const Tensor> /*inputs*/, std::span<const Tensor> /*outputs*/) { return false; }
};

// Checks types, shapes and attributes (a plan may be hostile) and captures what run() needs.
using KernelFactory = std::unique_ptr<Kernel> (*)(const KernelArgs &args);

struct KernelEntry {
  std::string_view name;
  KernelFactory make;
};

// Every kernel of the CPU, by op name (cpu/registry.cpp).
std::span<const KernelEntry> cpu_kernels();

// For factories: throws DLC_BAD_PLAN with the text unless the condition holds.
void require(bool condition, const char *what);

}  // namespace dlc
