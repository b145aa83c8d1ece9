// Entry of the Node add-on. One set of classes for each environment, nothing global: worker threads may load it too.
#include <napi.h>

#include "dlc.h"
#include "runtime.h"
#include "session.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["abiVersion"] = Napi::Number::New(env, dlc_abi_version());
  exports["Runtime"] = dlc_node::Runtime::define(env);
  exports["Session"] = dlc_node::Session::define(env);
  return exports;
}

}  // namespace

NODE_API_MODULE(dlc, init)
