// JavaScript class Runtime({threads, device}): a device and its threads.
#pragma once

#include <napi.h>

#include "handles.h"

namespace dlc_node {

class Runtime : public Napi::ObjectWrap<Runtime> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Runtime(const Napi::CallbackInfo &info);

  // describeDevice(name): JSON, also of a device that can't be used.
  static Napi::Value describe_device(const Napi::CallbackInfo &info);

  // Null unless `value` is a Runtime.
  static std::shared_ptr<RuntimeHandle> of(Napi::Value value);

 private:
  Napi::Value describe(const Napi::CallbackInfo &info);

  std::shared_ptr<RuntimeHandle> handle_;
};

}  // namespace dlc_node
