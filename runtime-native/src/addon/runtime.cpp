// The Runtime class: translation only.
#include "runtime.h"

#include <string>

#include "guards.h"

namespace dlc_node {
namespace {

Napi::Value describe_handle(Napi::Env env, dlc_runtime *runtime) {
  size_t needed = 1;
  dlc_status status = dlc_runtime_describe(runtime, nullptr, 0, &needed);
  std::string text(needed, '\0');
  if (status == DLC_OK) status = dlc_runtime_describe(runtime, text.data(), text.size(), nullptr);
  if (status != DLC_OK) throw status_error(env, status, dlc_runtime_error(runtime));
  text.resize(needed - 1);
  return Napi::String::New(env, text);
}

constexpr napi_type_tag kTag = {0x5b1f4c0d7e2a4d11, 0x9c3e8a60f1d2b745};

}  // namespace

Napi::Function Runtime::define(Napi::Env env) {
  return DefineClass(
      env, "Runtime",
      {InstanceMethod<&Runtime::describe>("describe"), StaticMethod<&Runtime::describe_device>("describeDevice")});
}

Runtime::Runtime(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<Runtime>(info), handle_(std::make_shared<RuntimeHandle>()) {
  const Napi::Env env = info.Env();
  dlc_options options = {DLC_ABI_VERSION, require_index(info, 0, "threads"), nullptr};
  if (!info[1].IsString()) throw Napi::TypeError::New(env, "device must be a string");
  const std::string device = info[1].As<Napi::String>();
  options.device = device.c_str();
  const dlc_status status = dlc_runtime_create(&options, &handle_->runtime);
  if (status != DLC_OK)
    throw status_error(env, status, handle_->runtime ? dlc_runtime_error(handle_->runtime) : dlc_status_name(status));
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

std::shared_ptr<RuntimeHandle> Runtime::of(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>())->handle_;
}

Napi::Value Runtime::describe(const Napi::CallbackInfo &info) {
  return describe_handle(info.Env(), handle_->runtime);
}

Napi::Value Runtime::describe_device(const Napi::CallbackInfo &info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "device must be a string");
  const std::string device = info[0].As<Napi::String>();
  const dlc_options options = {DLC_ABI_VERSION, 1, device.c_str()};
  RuntimeHandle handle;
  dlc_runtime_create(&options, &handle.runtime);
  return describe_handle(info.Env(), handle.runtime);
}

}  // namespace dlc_node
