// Asks the driver for its cards.
#include "cuda/cards.h"

#include "cuda/writer.h"

namespace dlc::cuda {
namespace {

std::string compute_text(int compute) {
  return std::to_string(compute / 10) + "." + std::to_string(compute % 10);
}

// The status of the first question that fails.
int ask(const DriverApi &api, int ordinal, Card &card) {
  char name[256] = "";
  int major = 0, minor = 0;
  size_t bytes = 0;
  int status = api.cuDeviceGet(&card.device, ordinal);
  if (status == kSuccess) status = api.cuDeviceGetName(name, sizeof name, card.device);
  if (status == kSuccess) status = api.cuDeviceGetAttribute(&major, kAttributeComputeMajor, card.device);
  if (status == kSuccess) status = api.cuDeviceGetAttribute(&minor, kAttributeComputeMinor, card.device);
  if (status == kSuccess) status = api.cuDeviceGetAttribute(&card.processors, kAttributeProcessors, card.device);
  if (status == kSuccess) status = api.cuDeviceTotalMem_v2(&bytes, card.device);
  name[sizeof name - 1] = 0;
  card.name = name;
  card.compute = major * 10 + minor;
  card.bytes = bytes;
  return status;
}

void describe_library(JsonWriter &json, const Found &found) {
  json.open('{').key("name").value(found.name).key("version").value(found ? found.version.text() : "");
  json.key("path").value(found.path).key("problem").value(found.problem).close('}');
}

}  // namespace

const Card *Cards::usable() const {
  if (!problem.empty()) return nullptr;
  for (const Card &card : all)
    if (card.compute >= kLeastCompute) return &card;
  return nullptr;
}

Cards find_cards(const Libraries &libraries) {
  Cards cards;
  const Found &driver = libraries.driver;
  const DriverApi &api = libraries.driver_api;
  if (!driver) {
    cards.problem = driver.problem;
    return cards;
  }
  const std::string of = "the CUDA driver " + driver.version.text() + " (" + driver.path + ") ";
  int count = 0;
  int status = api.cuInit(0);
  if (status == kSuccess) status = api.cuDeviceGetCount(&count);
  if (status == kNoDevice || (status == kSuccess && count == 0)) {
    cards.problem = of + "finds no card";
    return cards;
  }
  for (int i = 0; status == kSuccess && i < count; ++i) status = ask(api, i, cards.all.emplace_back());
  if (status != kSuccess) {
    cards.all.clear();
    cards.problem = of + "fails: " + driver_error(api, status);
    return cards;
  }
  if (!cards.usable())
    cards.problem = "no card of compute capability " + compute_text(kLeastCompute) + " or more: " + cards.all[0].name +
                    " has " + compute_text(cards.all[0].compute);
  else if (!libraries.nvrtc)
    cards.problem = libraries.nvrtc.problem;
  return cards;
}

std::string describe(const std::function<void(JsonWriter &)> &more) {
  const Libraries libraries = find_libraries();
  const Cards cards = find_cards(libraries);
  JsonWriter json;
  json.open('{').key("device").value("cuda").key("usable").boolean(cards.problem.empty());
  json.key("problem").value(cards.problem).key("cards").open('[');
  for (const Card &card : cards.all) {
    json.open('{').key("name").value(card.name).key("compute").value(compute_text(card.compute));
    json.key("processors").value(int64_t{card.processors}).key("bytes").value(static_cast<int64_t>(card.bytes));
    json.close('}');
  }
  json.close(']').key("libraries").open('[');
  for (const Found *const found :
       {&libraries.driver, &libraries.nvrtc, &libraries.cublaslt, &libraries.cudnn, &libraries.nccl})
    describe_library(json, *found);
  json.close(']').key("kernels").open('[');
  for (const EmitEntry &entry : cuda_kernels()) json.value(entry.op);
  json.close(']');
  if (more) more(json);
  json.close('}');
  return json.text();
}

}  // namespace dlc::cuda
