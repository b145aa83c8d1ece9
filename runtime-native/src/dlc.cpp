// The C ABI over the executor: checks what the caller gives, turns exceptions into statuses. Nothing is thrown across.
#include "dlc.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "cpu_executor.h"
#include "cuda/cards.h"
#include "cuda/device.h"
#include "describe.h"
#include "executor.h"

// Handles begin with a mark, cleared when they are destroyed: a wrong or stale pointer is told apart in most cases.
struct dlc_runtime {
  static constexpr uint64_t kMark = 0x646c632d72756e74;
  uint64_t mark = kMark;
  bool cuda = false;  // asked for: it is described even where it can't be used
  std::unique_ptr<dlc::Device> device;
  std::mutex writing;
  char error[1024] = "";

  void set_error(const char *text) {
    const std::lock_guard lock(writing);
    std::snprintf(error, sizeof error, "%s", text);
  }
};

struct dlc_session {
  static constexpr uint64_t kMark = 0x646c632d73657373;
  uint64_t mark = kMark;
  std::unique_ptr<dlc::Executor> executor;
};

namespace {

bool is_runtime(const dlc_runtime *runtime) {
  return runtime && runtime->mark == dlc_runtime::kMark && runtime->device;
}

bool is_session(const dlc_session *session) {
  return session && session->mark == dlc_session::kMark;
}

// Runs `body`, which returns a status; a failure's text goes to `report`.
template <typename F, typename R>
dlc_status guarded(F body, R report) noexcept {
  try {
    return body();
  } catch (const dlc::Failure &failure) {
    report(failure.what());
    return failure.status();
  } catch (const std::bad_alloc &) {
    report("out of memory");
    return DLC_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    report(error.what());
    return DLC_INTERNAL;
  } catch (...) {
    report("an unknown exception");
    return DLC_INTERNAL;
  }
}

dlc_status give_text(const std::string &from, char *text, size_t capacity, size_t *needed) {
  if (needed) *needed = from.size() + 1;
  if (text && capacity) {
    const size_t count = std::min(from.size(), capacity - 1);
    std::memcpy(text, from.data(), count);
    text[count] = 0;
  }
  return DLC_OK;
}

dlc_status refuse(dlc_session *session, const char *text) {
  session->executor->set_error(text);
  return DLC_INVALID_ARGUMENT;
}

// The checks that run and trace share; null when all is well.
const char *check_inputs(const dlc::Plan &plan, uint32_t program, const void *const *inputs, uint32_t count) {
  if (program >= plan.programs.size()) return "no such program";
  const dlc::PlanProgram &at = plan.programs[program];
  if (count != at.inputs.size()) return "the number of inputs is not the program's";
  if (count && !inputs) return "inputs is null";
  for (uint32_t i = 0; i < count; ++i)
    if (!inputs[i] && at.tensors[at.inputs[i].tensor].bytes) return "an input is null";
  return nullptr;
}

dlc_status port_bytes(const dlc_session *session, uint32_t program, uint32_t port,
                      std::vector<dlc::PlanPort> dlc::PlanProgram::*ports, uint64_t *bytes) {
  if (!is_session(session) || !bytes) return DLC_INVALID_ARGUMENT;
  const dlc::Plan &plan = session->executor->plan();
  if (program >= plan.programs.size() || port >= (plan.programs[program].*ports).size()) return DLC_INVALID_ARGUMENT;
  const dlc::PlanProgram &at = plan.programs[program];
  *bytes = at.tensors[(at.*ports)[port].tensor].bytes;
  return DLC_OK;
}

}  // namespace

extern "C" {

uint32_t dlc_abi_version(void) {
  return DLC_ABI_VERSION;
}

const char *dlc_status_name(dlc_status status) {
  switch (status) {
    case DLC_OK:
      return "ok";
    case DLC_INVALID_ARGUMENT:
      return "invalid argument";
    case DLC_BAD_PLAN:
      return "bad plan";
    case DLC_UNSUPPORTED:
      return "unsupported";
    case DLC_OUT_OF_MEMORY:
      return "out of memory";
    case DLC_DATA_ERROR:
      return "data error";
    case DLC_NON_FINITE:
      return "non-finite value";
    case DLC_CANCELLED:
      return "cancelled";
    case DLC_INTERNAL:
      return "internal error";
    case DLC_DEVICE_LOST:
      return "device lost";
  }
  return "unknown status";
}

dlc_status dlc_runtime_create(const dlc_options *options, dlc_runtime **runtime) {
  if (!runtime) return DLC_INVALID_ARGUMENT;
  *runtime = nullptr;
  if (!options || options->abi_version != DLC_ABI_VERSION) return DLC_INVALID_ARGUMENT;
  auto *made = new (std::nothrow) dlc_runtime;
  if (!made) return DLC_OUT_OF_MEMORY;
  *runtime = made;
  return guarded(
      [&] {
        const std::string device = options->device ? options->device : "cpu";
        made->cuda = device == "cuda";
        if (made->cuda) {
          made->device = dlc::cuda::open_card();
          return DLC_OK;
        }
        if (device != "cpu")
          throw dlc::Failure(DLC_UNSUPPORTED, "device '" + device + "': this build runs on 'cpu' and 'cuda'");
        if (options->threads > 256) throw dlc::Failure(DLC_INVALID_ARGUMENT, "threads: at most 256");
        made->device = std::make_unique<dlc::CpuDevice>(static_cast<int>(options->threads));
        return DLC_OK;
      },
      [&](const char *text) { made->set_error(text); });
}

void dlc_runtime_destroy(dlc_runtime *runtime) {
  if (!runtime || runtime->mark != dlc_runtime::kMark) return;
  runtime->mark = 0;
  delete runtime;
}

const char *dlc_runtime_error(const dlc_runtime *runtime) {
  return runtime && runtime->mark == dlc_runtime::kMark ? runtime->error : "not a runtime";
}

dlc_status dlc_runtime_describe(dlc_runtime *runtime, char *text, size_t capacity, size_t *needed) {
  if (!runtime || runtime->mark != dlc_runtime::kMark || !(runtime->device || runtime->cuda))
    return DLC_INVALID_ARGUMENT;
  return guarded(
      [&] {
        const std::string about = runtime->device ? runtime->device->describe() : dlc::cuda::describe();
        return give_text(about, text, capacity, needed);
      },
      [&](const char *error) { runtime->set_error(error); });
}

dlc_status dlc_session_create(dlc_runtime *runtime, const void *plan, size_t bytes, dlc_session **session) {
  if (!session) return DLC_INVALID_ARGUMENT;
  *session = nullptr;
  if (!is_runtime(runtime) || (!plan && bytes)) return DLC_INVALID_ARGUMENT;
  return guarded(
      [&] {
        auto made = std::make_unique<dlc_session>();
        made->executor = runtime->device->open({static_cast<const std::byte *>(plan), bytes});
        *session = made.release();
        return DLC_OK;
      },
      [&](const char *error) { runtime->set_error(error); });
}

void dlc_session_destroy(dlc_session *session) {
  if (!is_session(session)) return;
  session->mark = 0;
  delete session;
}

const char *dlc_session_error(const dlc_session *session) {
  return is_session(session) ? session->executor->error() : "not a session";
}

dlc_status dlc_session_failure(const dlc_session *session, dlc_failure *failure) {
  if (!is_session(session) || !failure) return DLC_INVALID_ARGUMENT;
  *failure = session->executor->failure();
  return DLC_OK;
}

dlc_status dlc_session_describe(dlc_session *session, char *text, size_t capacity, size_t *needed) {
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  return guarded([&] { return give_text(dlc::describe_plan(session->executor->plan()), text, capacity, needed); },
                 [&](const char *error) { session->executor->set_error(error); });
}

dlc_status dlc_session_memory(const dlc_session *session, dlc_memory *memory) {
  if (!is_session(session) || !memory) return DLC_INVALID_ARGUMENT;
  *memory = session->executor->memory();
  return DLC_OK;
}

dlc_status dlc_session_input_bytes(const dlc_session *session, uint32_t program, uint32_t input, uint64_t *bytes) {
  return port_bytes(session, program, input, &dlc::PlanProgram::inputs, bytes);
}

dlc_status dlc_session_output_bytes(const dlc_session *session, uint32_t program, uint32_t output, uint64_t *bytes) {
  return port_bytes(session, program, output, &dlc::PlanProgram::outputs, bytes);
}

dlc_status dlc_session_read_state(dlc_session *session, uint32_t state, void *data, size_t bytes) {
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  const auto &states = session->executor->plan().states;
  if (state >= states.size()) return refuse(session, "no such state");
  if (bytes != states[state].bytes) return refuse(session, "the buffer is not of the state's size");
  if (!data && bytes) return refuse(session, "data is null");
  return guarded(
      [&] {
        session->executor->read_state(state, data);
        return DLC_OK;
      },
      [&](const char *error) { session->executor->set_error(error); });
}

dlc_status dlc_session_write_state(dlc_session *session, uint32_t state, const void *data, size_t bytes) {
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  const auto &states = session->executor->plan().states;
  if (state >= states.size()) return refuse(session, "no such state");
  if (bytes != states[state].bytes) return refuse(session, "the buffer is not of the state's size");
  if (!data && bytes) return refuse(session, "data is null");
  return guarded(
      [&] {
        session->executor->write_state(state, data);
        return DLC_OK;
      },
      [&](const char *error) { session->executor->set_error(error); });
}

dlc_status dlc_session_run(dlc_session *session, uint32_t program, uint32_t steps, const void *const *inputs,
                           uint32_t input_count, void *const *outputs, uint32_t output_count, uint32_t *done) {
  uint32_t finished = 0;
  if (done) *done = 0;
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  const dlc::Plan &plan = session->executor->plan();
  if (const char *wrong = check_inputs(plan, program, inputs, input_count)) return refuse(session, wrong);
  if (output_count != plan.programs[program].outputs.size())
    return refuse(session, "the number of outputs is not the program's");
  if (output_count && !outputs) return refuse(session, "outputs is null");
  const dlc_status status = guarded([&] { return session->executor->run(program, steps, inputs, outputs, &finished); },
                                    [&](const char *error) { session->executor->set_error(error); });
  if (done) *done = finished;
  return status;
}

dlc_status dlc_session_trace(dlc_session *session, uint32_t program, const void *const *inputs, uint32_t input_count) {
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  if (const char *wrong = check_inputs(session->executor->plan(), program, inputs, input_count))
    return refuse(session, wrong);
  return guarded([&] { return session->executor->trace(program, inputs); },
                 [&](const char *error) { session->executor->set_error(error); });
}

dlc_status dlc_session_profile(dlc_session *session, uint32_t program, const void *const *inputs, uint32_t input_count,
                               uint32_t steps, double *seconds, uint32_t count) {
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  if (const char *wrong = check_inputs(session->executor->plan(), program, inputs, input_count))
    return refuse(session, wrong);
  if (!seconds || count != step_count(session->executor->plan().programs[program]))
    return refuse(session, "seconds should hold one number for each kernel of the program");
  return guarded([&] { return session->executor->profile(program, inputs, steps, seconds); },
                 [&](const char *error) { session->executor->set_error(error); });
}

dlc_status dlc_session_cancel(dlc_session *session) {
  if (!is_session(session)) return DLC_INVALID_ARGUMENT;
  session->executor->cancel();
  return DLC_OK;
}

}  // extern "C"
