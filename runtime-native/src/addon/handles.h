// Owners of the C handles. A session keeps its runtime alive; a running call keeps its session alive, whatever happens
// to the JavaScript objects meanwhile.
#pragma once

#include <memory>

#include "dlc.h"

namespace dlc_node {

struct RuntimeHandle {
  dlc_runtime *runtime = nullptr;
  RuntimeHandle() = default;
  RuntimeHandle(const RuntimeHandle &) = delete;
  RuntimeHandle &operator=(const RuntimeHandle &) = delete;
  ~RuntimeHandle() { dlc_runtime_destroy(runtime); }
};

struct SessionHandle {
  std::shared_ptr<RuntimeHandle> runtime;
  dlc_session *session = nullptr;
  bool running = false;  // touched by the JavaScript thread only
  SessionHandle() = default;
  SessionHandle(const SessionHandle &) = delete;
  SessionHandle &operator=(const SessionHandle &) = delete;
  ~SessionHandle() { dlc_session_destroy(session); }
};

}  // namespace dlc_node
