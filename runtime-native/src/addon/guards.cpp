// Guards of the add-on's entries.
#include "guards.h"

#include <cmath>
#include <string>

namespace dlc_node {

uint32_t require_index(const Napi::CallbackInfo &info, size_t argument, const char *name) {
  const Napi::Value value = info[argument];
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= UINT32_MAX && number == std::floor(number)) return static_cast<uint32_t>(number);
  }
  throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a whole number from 0");
}

Napi::Array require_array(const Napi::CallbackInfo &info, size_t argument, const char *name) {
  if (!info[argument].IsArray()) throw Napi::TypeError::New(info.Env(), std::string(name) + " must be an array");
  return info[argument].As<Napi::Array>();
}

Bytes require_bytes(Napi::Value value, const char *name) {
  const Napi::Env env = value.Env();
  if (!value.IsTypedArray()) throw Napi::TypeError::New(env, std::string(name) + " must be a typed array");
  Bytes bytes;
  napi_typedarray_type type;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &type, &length, &bytes.data, nullptr, nullptr) != napi_ok)
    throw Napi::TypeError::New(env, std::string(name) + " can't be read");
  bytes.size = length * value.As<Napi::TypedArray>().ElementSize();
  return bytes;
}

Napi::Error status_error(Napi::Env env, dlc_status status, const char *message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Value()["status"] = Napi::Number::New(env, status);
  error.Value()["statusName"] = Napi::String::New(env, dlc_status_name(status));
  return error;
}

}  // namespace dlc_node
