// What executors share: the text of a failure and its place.
#include "executor.h"

#include <cstdio>

namespace dlc {

void Executor::set_error(const char *text) {
  std::snprintf(error_, sizeof error_, "%s", text);
}

dlc_status Executor::fail(dlc_status status, uint32_t program, const PlanStep *at, uint32_t step, const char *message) {
  failure_ = {program, at ? at->id : kNone, step};
  if (!at) {
    set_error(message);
    return status;
  }
  // The place stands in brackets behind the message, so that a caller with better means to show it can cut it off.
  std::snprintf(error_, sizeof error_, "%s [layer '%.*s' at %.*s:%u:%u]", message, static_cast<int>(at->layer.size()),
                at->layer.data(), static_cast<int>(at->file.size()), at->file.data(), at->line, at->column);
  return status;
}

}  // namespace dlc
