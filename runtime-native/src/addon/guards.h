// What every entry of the add-on asks of its arguments, in words that read as checks. Each throws a JavaScript error.
#pragma once

#include <napi.h>

#include <cstdint>

#include "dlc.h"

namespace dlc_node {

// The bytes of a typed array or DataView, wherever they are.
struct Bytes {
  void *data = nullptr;
  size_t size = 0;
};

uint32_t require_index(const Napi::CallbackInfo &info, size_t argument, const char *name);
Napi::Array require_array(const Napi::CallbackInfo &info, size_t argument, const char *name);
Bytes require_bytes(Napi::Value value, const char *name);

// An Error with `status` (the number of a dlc_status) and `statusName`.
Napi::Error status_error(Napi::Env env, dlc_status status, const char *message);

}  // namespace dlc_node
