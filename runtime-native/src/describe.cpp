// What a runtime can do and what a plan holds, for callers that ask.
#include "describe.h"

#include "cpu_executor.h"
#include "cpu_features.h"
#include "json.h"

namespace dlc {
namespace {

constexpr const char *kDtypeNames[] = {"f32", "f64", "bf16", "u8", "i32", "i64", "bool"};

void describe_tensor(JsonWriter &json, std::string_view name, const PlanTensor &tensor) {
  json.open('{').key("name").value(name).key("dtype").value(kDtypeNames[tensor.dtype]).key("shape").open('[');
  for (const int64_t extent : tensor.shape) json.value(extent);
  json.close(']').close('}');
}

void describe_ports(JsonWriter &json, const char *key, const PlanProgram &program, const std::vector<PlanPort> &ports) {
  json.key(key).open('[');
  for (const PlanPort &port : ports) describe_tensor(json, port.name, program.tensors[port.tensor]);
  json.close(']');
}

}  // namespace

std::string CpuDevice::describe() const {
  JsonWriter json;
  json.open('{').key("device").value("cpu").key("threads").value(int64_t{pool.threads()});
  json.key("cpu").value(cpu_model()).key("isa").value(isa_name(isa())).key("features").open('[');
  for (const std::string &feature : cpu_feature_names()) json.value(feature);
  json.close(']').key("kernels").open('[');
  for (const KernelEntry &entry : cpu_kernels()) json.value(entry.name);
  json.close(']').close('}');
  return json.text();
}

std::string describe_plan(const Plan &plan) {
  JsonWriter json;
  json.open('{').key("name").value(plan.name).key("states").open('[');
  for (const PlanTensor &state : plan.states) describe_tensor(json, state.name, state);
  json.close(']').key("programs").open('[');
  for (const PlanProgram &program : plan.programs) {
    json.open('{').key("name").value(program.name);
    describe_ports(json, "inputs", program, program.inputs);
    describe_ports(json, "outputs", program, program.outputs);
    json.close('}');
  }
  json.close(']').close('}');
  return json.text();
}

}  // namespace dlc
