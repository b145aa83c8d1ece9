// The Session class: translation only.
#include "session.h"

#include <string>

#include "guards.h"
#include "run_worker.h"
#include "runtime.h"

namespace dlc_node {

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {InstanceMethod<&Session::describe>("describe"), InstanceMethod<&Session::memory>("memory"),
                      InstanceMethod<&Session::run>("run"), InstanceMethod<&Session::trace>("trace"),
                      InstanceMethod<&Session::profile>("profile"), InstanceMethod<&Session::read_state>("readState"),
                      InstanceMethod<&Session::write_state>("writeState"), InstanceMethod<&Session::cancel>("cancel"),
                      InstanceMethod<&Session::close>("close")});
}

Session::Session(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Session>(info) {
  const Napi::Env env = info.Env();
  auto handle = std::make_shared<SessionHandle>();
  handle->runtime = Runtime::of(info[0]);
  if (!handle->runtime) throw Napi::TypeError::New(env, "runtime must be a Runtime");
  const Bytes plan = require_bytes(info[1], "plan");
  const dlc_status status = dlc_session_create(handle->runtime->runtime, plan.data, plan.size, &handle->session);
  if (status != DLC_OK) throw status_error(env, status, dlc_runtime_error(handle->runtime->runtime));
  handle_ = std::move(handle);
}

const std::shared_ptr<SessionHandle> &Session::open(const Napi::CallbackInfo &info) const {
  if (!handle_) throw Napi::Error::New(info.Env(), "the session is closed");
  return handle_;
}

const std::shared_ptr<SessionHandle> &Session::idle(const Napi::CallbackInfo &info) const {
  if (open(info)->running) throw Napi::Error::New(info.Env(), "the session is running");
  return handle_;
}

Napi::Value Session::describe(const Napi::CallbackInfo &info) {
  dlc_session *session = open(info)->session;
  size_t needed = 0;
  dlc_session_describe(session, nullptr, 0, &needed);
  std::string text(needed, '\0');
  const dlc_status status = dlc_session_describe(session, text.data(), text.size(), nullptr);
  if (status != DLC_OK) throw status_error(info.Env(), status, dlc_session_error(session));
  text.resize(needed - 1);
  return Napi::String::New(info.Env(), text);
}

Napi::Value Session::memory(const Napi::CallbackInfo &info) {
  dlc_memory memory;
  dlc_session_memory(open(info)->session, &memory);
  Napi::Object result = Napi::Object::New(info.Env());
  result["stateBytes"] = Napi::Number::New(info.Env(), static_cast<double>(memory.state_bytes));
  result["constBytes"] = Napi::Number::New(info.Env(), static_cast<double>(memory.const_bytes));
  result["arenaBytes"] = Napi::Number::New(info.Env(), static_cast<double>(memory.arena_bytes));
  result["allocatedBytes"] = Napi::Number::New(info.Env(), static_cast<double>(memory.allocated_bytes));
  return result;
}

// run(program, steps, inputs[], outputs[]): one typed array for each port; null for an output that is not wanted.
Napi::Value Session::run(const Napi::CallbackInfo &info) {
  const auto &handle = idle(info);
  return RunWorker::start(info.Env(), handle, require_index(info, 0, "program"), require_index(info, 1, "steps"),
                          require_array(info, 2, "inputs"), require_array(info, 3, "outputs"));
}

// trace(program, inputs[])
Napi::Value Session::trace(const Napi::CallbackInfo &info) {
  const auto &handle = idle(info);
  return RunWorker::start_trace(info.Env(), handle, require_index(info, 0, "program"),
                                require_array(info, 1, "inputs"));
}

// profile(program, steps, inputs[], seconds)
Napi::Value Session::profile(const Napi::CallbackInfo &info) {
  const auto &handle = idle(info);
  return RunWorker::start_profile(info.Env(), handle, require_index(info, 0, "program"),
                                  require_index(info, 1, "steps"), require_array(info, 2, "inputs"), info[3]);
}

Napi::Value Session::read_state(const Napi::CallbackInfo &info) {
  dlc_session *session = idle(info)->session;
  const Bytes bytes = require_bytes(info[1], "data");
  const dlc_status status = dlc_session_read_state(session, require_index(info, 0, "state"), bytes.data, bytes.size);
  if (status != DLC_OK) throw status_error(info.Env(), status, dlc_session_error(session));
  return info.Env().Undefined();
}

Napi::Value Session::write_state(const Napi::CallbackInfo &info) {
  dlc_session *session = idle(info)->session;
  const Bytes bytes = require_bytes(info[1], "data");
  const dlc_status status = dlc_session_write_state(session, require_index(info, 0, "state"), bytes.data, bytes.size);
  if (status != DLC_OK) throw status_error(info.Env(), status, dlc_session_error(session));
  return info.Env().Undefined();
}

// Nothing to cancel is no error: the call may just have ended.
Napi::Value Session::cancel(const Napi::CallbackInfo &info) {
  if (handle_ && handle_->running) dlc_session_cancel(handle_->session);
  return info.Env().Undefined();
}

// A call that is running keeps the plan until it ends.
Napi::Value Session::close(const Napi::CallbackInfo &info) {
  if (handle_ && handle_->running) dlc_session_cancel(handle_->session);
  handle_.reset();
  return info.Env().Undefined();
}

}  // namespace dlc_node
