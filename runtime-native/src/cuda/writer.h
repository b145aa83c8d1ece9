// What the kernels of a plan write: CUDA C++ for one module, and the launches of each program. The kernels themselves
// are templates in kernels/*.cu; a step is an instance of one with its shapes, so that launches take addresses alone.
// The plan brings no code: what is compiled is made here of numbers that were checked.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel.h"

namespace dlc::cuda {

constexpr int64_t kThreads = 256;

// The text of kernels/<family>.cu (made by CMake).
std::string_view family_text(std::string_view family);

// The source of a module. What is said twice is there once.
class Source {
 public:
  void use(std::string_view family);
  // `text` with its name in place of each `@`; the name begins so.
  std::string define(const std::string &begins, const std::string &text);
  std::string text() const;
  bool empty() const { return definitions_.empty(); }

 private:
  std::set<std::string, std::less<>> families_;
  std::vector<std::string> definitions_;
  std::map<std::string, std::string, std::less<>> names_;
};

// Tensors carry the addresses that they would have on the host; a launch's are turned into the card's.
struct Launch {
  std::string kernel;
  uint32_t blocks = 0;
  uint32_t step = 0;
  uint32_t owner = 0;  // the step of the program that runs it
  std::vector<const void *> arguments;
};

// A pointer that a kernel is given; null where nobody wants it.
struct Operand {
  const void *data = nullptr;
  std::string type;

  Operand(const Tensor &tensor);  // NOLINT: a tensor is an operand of its dtype
  Operand(const void *at, std::string of) : data(at), type(std::move(of)) {}
};
// No operand: a null pointer of the type.
Operand absent(const char *type);

std::string c_type(dlc_dtype dtype);
// An unsigned type of the dtype's size, for what is only moved.
std::string moved_type(dlc_dtype dtype);
inline Operand moved(const Tensor &tensor) {
  return {tensor.data, moved_type(tensor.dtype)};
}

class Writer {
 public:
  Writer(Source &source, std::vector<Launch> &launches, std::span<const std::byte> states)
      : source_(source), launches_(launches), states_(states) {}

  Source &source() { return source_; }
  // What follows belongs to this step; within a loop, also to the outermost step that runs it.
  void begin(uint32_t step, bool is_outermost) {
    step_ = step;
    if (is_outermost) owner_ = step;
  }
  size_t launches() const { return launches_.size(); }
  // The number of a loop's iteration: set to a number, or moved on by it.
  void set_index(const Tensor &index, int64_t number, bool is_first);

  // Launches `blocks` blocks of function(operands...), a template with its arguments from a family. With `reports` the
  // function takes (Fault *, step) first.
  void call(std::string_view family, const std::string &function, const std::vector<Operand> &operands, int64_t blocks,
            bool reports = false);
  // The same with a body of its own, in which the operands are p0, p1, ….
  void run(const std::string &begins, const std::string &body, const std::vector<Operand> &operands, int64_t blocks);

 private:
  Source &source_;
  std::vector<Launch> &launches_;
  std::span<const std::byte> states_;
  uint32_t step_ = 0, owner_ = 0;
};

// Blocks of kThreads for so many elements.
inline int64_t blocks_of(int64_t elements) {
  return (elements + kThreads - 1) / kThreads;
}

// "name<a, b, c>"; numbers are written so that they keep their type.
template <typename... Parts>
std::string instance(const std::string &name, const Parts &...parts);
std::string argument(const std::string &text);
std::string argument(const char *text);
std::string argument(bool value);
std::string argument(int64_t value);

template <typename... Parts>
std::string instance(const std::string &name, const Parts &...parts) {
  std::string text = name + "<";
  const char *comma = "";
  ((text += comma + argument(parts), comma = ", "), ...);
  return text + ">";
}

// The name of a type whose offset(i) is that of element i of a tensor of these extents, with these strides, from `base`
// on.
std::string offsets(Writer &writer, const std::vector<int64_t> &extents, const std::vector<int64_t> &strides,
                    int64_t base = 0);
std::vector<int64_t> dense_strides(const std::vector<int64_t> &shape);

// The bits of a number, as an argument of a template.
std::string float_bits(double value);
std::string double_bits(double value);

struct StepArgs {
  std::span<const Tensor> inputs;
  std::span<const Tensor> outputs;
  const Attrs &attrs;
  const std::byte *workspace = nullptr;  // as large as the plan says
};

// Writes the launches of a step, whose shapes and attributes the CPU's kernel has accepted. Throws
// Failure(DLC_UNSUPPORTED) where there is no kernel for just this.
using Emit = void (*)(const StepArgs &args, Writer &writer);

struct EmitEntry {
  std::string_view op;
  Emit emit;
};
std::span<const EmitEntry> cuda_kernels();
Emit find_emit(std::string_view op);

[[noreturn]] void unsupported(const std::string &what);

}  // namespace dlc::cuda
