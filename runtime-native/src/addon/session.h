// JavaScript class Session(runtime, plan): a loaded plan. `run`, `trace` and `profile` work off the main thread and
// give promises.
#pragma once

#include <napi.h>

#include "handles.h"

namespace dlc_node {

class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Session(const Napi::CallbackInfo &info);

 private:
  Napi::Value describe(const Napi::CallbackInfo &info);
  Napi::Value memory(const Napi::CallbackInfo &info);
  Napi::Value run(const Napi::CallbackInfo &info);
  Napi::Value trace(const Napi::CallbackInfo &info);
  Napi::Value profile(const Napi::CallbackInfo &info);
  Napi::Value read_state(const Napi::CallbackInfo &info);
  Napi::Value write_state(const Napi::CallbackInfo &info);
  Napi::Value cancel(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);

  const std::shared_ptr<SessionHandle> &open(const Napi::CallbackInfo &info) const;
  const std::shared_ptr<SessionHandle> &idle(const Napi::CallbackInfo &info) const;

  std::shared_ptr<SessionHandle> handle_;  // null once closed
};

}  // namespace dlc_node
