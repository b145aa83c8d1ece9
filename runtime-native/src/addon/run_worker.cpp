// Checks every buffer on the main thread, then runs on another one.
#include "run_worker.h"

namespace dlc_node {
namespace {

std::string port_name(const char *what, uint32_t index) {
  return std::string(what) + "[" + std::to_string(index) + "]";
}

void require_size(Napi::Env env, const Bytes &bytes, uint64_t each, uint32_t steps, const std::string &name) {
  if (each != 0 && steps > UINT64_MAX / each) throw Napi::RangeError::New(env, "steps is too large");
  if (bytes.size != each * steps)
    throw Napi::RangeError::New(env, name + " holds " + std::to_string(bytes.size) + " bytes, " +
                                         std::to_string(steps) + " steps take " + std::to_string(each * steps));
}

}  // namespace

RunWorker::RunWorker(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program)
    : Napi::AsyncWorker(env, "dlc.run"),
      deferred_(Napi::Promise::Deferred::New(env)),
      session_(std::move(session)),
      kept_(Napi::Persistent(Napi::Array::New(env))),
      program_(program) {}

void RunWorker::keep(Napi::Value value) {
  Napi::Array array = kept_.Value();
  array.Set(array.Length(), value);
}

void RunWorker::take_inputs(Napi::Array inputs, uint32_t steps) {
  const Napi::Env env = Env();
  for (uint32_t i = 0; i < inputs.Length(); ++i) {
    const std::string name = port_name("inputs", i);
    uint64_t each = 0;
    if (dlc_session_input_bytes(session_->session, program_, i, &each) != DLC_OK)
      throw Napi::RangeError::New(env, "the program has no " + name);
    const Napi::Value value = inputs.Get(i);
    const Bytes bytes = require_bytes(value, name.c_str());
    require_size(env, bytes, each, steps, name);
    keep(value);
    inputs_.push_back(bytes.data);
  }
}

void RunWorker::take_outputs(Napi::Array outputs, uint32_t steps) {
  const Napi::Env env = Env();
  for (uint32_t i = 0; i < outputs.Length(); ++i) {
    const std::string name = port_name("outputs", i);
    uint64_t each = 0;
    if (dlc_session_output_bytes(session_->session, program_, i, &each) != DLC_OK)
      throw Napi::RangeError::New(env, "the program has no " + name);
    const Napi::Value value = outputs.Get(i);
    if (value.IsNull() || value.IsUndefined()) {
      outputs_.push_back(nullptr);
      continue;
    }
    const Bytes bytes = require_bytes(value, name.c_str());
    require_size(env, bytes, each, steps, name);
    keep(value);
    outputs_.push_back(bytes.data);
  }
}

Napi::Value RunWorker::queue() {
  session_->running = true;
  const Napi::Promise promise = deferred_.Promise();
  Queue();
  return promise;
}

Napi::Value RunWorker::start(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program, uint32_t steps,
                             Napi::Array inputs, Napi::Array outputs) {
  std::unique_ptr<RunWorker> worker(new RunWorker(env, std::move(session), program));
  worker->steps_ = steps;
  worker->take_inputs(inputs, steps);
  worker->take_outputs(outputs, steps);
  return worker.release()->queue();  // from here on it deletes itself
}

Napi::Value RunWorker::start_trace(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program,
                                   Napi::Array inputs) {
  std::unique_ptr<RunWorker> worker(new RunWorker(env, std::move(session), program));
  worker->tracing_ = true;
  worker->take_inputs(inputs, 1);
  return worker.release()->queue();
}

Napi::Value RunWorker::start_profile(Napi::Env env, std::shared_ptr<SessionHandle> session, uint32_t program,
                                     uint32_t steps, Napi::Array inputs, Napi::Value seconds) {
  std::unique_ptr<RunWorker> worker(new RunWorker(env, std::move(session), program));
  worker->steps_ = steps;
  worker->take_inputs(inputs, 1);
  worker->seconds_ = require_bytes(seconds, "seconds");
  worker->keep(seconds);
  return worker.release()->queue();
}

dlc_status RunWorker::call() {
  dlc_session *session = session_->session;
  const auto input_count = static_cast<uint32_t>(inputs_.size());
  if (tracing_) return dlc_session_trace(session, program_, inputs_.data(), input_count);
  if (seconds_.data)
    return dlc_session_profile(session, program_, inputs_.data(), input_count, steps_,
                               static_cast<double *>(seconds_.data),
                               static_cast<uint32_t>(seconds_.size / sizeof(double)));
  return dlc_session_run(session, program_, steps_, inputs_.data(), input_count, outputs_.data(),
                         static_cast<uint32_t>(outputs_.size()), &done_);
}

void RunWorker::Execute() {
  dlc_session *session = session_->session;
  status_ = call();
  if (status_ == DLC_OK) return;
  message_ = dlc_session_error(session);
  dlc_session_failure(session, &failure_);
}

void RunWorker::OnOK() {
  const Napi::Env env = Env();
  session_->running = false;
  Napi::Object result = Napi::Object::New(env);
  result["status"] = Napi::Number::New(env, status_);
  result["statusName"] = Napi::String::New(env, dlc_status_name(status_));
  result["done"] = Napi::Number::New(env, done_);
  if (status_ != DLC_OK) {
    result["message"] = Napi::String::New(env, message_);
    const bool in_kernel = failure_.kernel != UINT32_MAX;
    result["kernel"] = Napi::Number::New(env, in_kernel ? static_cast<double>(failure_.kernel) : -1);
    result["step"] = Napi::Number::New(env, failure_.step);
  }
  deferred_.Resolve(result);
}

void RunWorker::OnError(const Napi::Error &error) {
  session_->running = false;
  deferred_.Reject(error.Value());
}

}  // namespace dlc_node
