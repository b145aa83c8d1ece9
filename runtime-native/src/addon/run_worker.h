// One run, trace or profile of a session on a thread of libuv's pool. Resolves with {status, statusName, message, done,
// kernel, step}: a failed run is a result, not an exception.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "guards.h"
#include "handles.h"

namespace dlc_node {

class RunWorker : public Napi::AsyncWorker {
 public:
  static Napi::Value start(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program, uint32_t steps,
                           Napi::Array inputs, Napi::Array outputs);
  static Napi::Value start_trace(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program,
                                 Napi::Array inputs);
  // `seconds` is a Float64Array.
  static Napi::Value start_profile(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program,
                                   uint32_t steps, Napi::Array inputs, Napi::Value seconds);

  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error &error) override;

 private:
  RunWorker(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program);

  void take_inputs(Napi::Array inputs, uint32_t steps);
  void take_outputs(Napi::Array outputs, uint32_t steps);
  // Keeps a typed array alive until the worker is gone.
  void keep(Napi::Value value);
  Napi::Value queue();
  dlc_status call();

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<SessionHandle> session_;
  Napi::Reference<Napi::Array> kept_;
  uint32_t program_;
  uint32_t steps_ = 1;
  bool tracing_ = false;
  Bytes seconds_;  // of a profile
  std::vector<const void *> inputs_;
  std::vector<void *> outputs_;

  dlc_status status_ = DLC_OK;
  dlc_failure failure_ = {};
  uint32_t done_ = 0;
  std::string message_;
};

}  // namespace dlc_node
