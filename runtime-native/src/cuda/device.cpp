// Opens a card; memory and modules on it.
#include "cuda/device.h"

#include "cuda/cuda_executor.h"
#include "memory.h"

namespace dlc::cuda {

CudaDevice::CudaDevice() : libraries_(find_needed_libraries()) {
  const Cards cards = find_cards(libraries_);
  const Card *const card = cards.usable();
  if (!card) throw Failure(DLC_UNSUPPORTED, "device 'cuda': " + cards.problem);
  card_ = *card;
  check(driver().cuDevicePrimaryCtxRetain(&context_, card_.device), "opening the card");
  try {
    make_current();
    check(driver().cuStreamCreate(&stream_, kStreamNonBlocking), "opening the card");
  } catch (const Failure &) {
    driver().cuDevicePrimaryCtxRelease_v2(card_.device);
    throw;
  }
}

CudaDevice::~CudaDevice() {
  driver().cuCtxSetCurrent(context_);
  driver().cuStreamDestroy_v2(stream_);
  driver().cuDevicePrimaryCtxRelease_v2(card_.device);
}

std::unique_ptr<Executor> CudaDevice::open(std::span<const std::byte> blob) {
  return std::make_unique<CudaExecutor>(*this, blob);
}

std::string CudaDevice::describe() const {
  return cuda::describe([this](JsonWriter &json) {
    json.key("threads").value(int64_t{1}).key("cpu").value(card_.name);
    json.key("isa").value("sm_" + std::to_string(card_.compute)).key("features").open('[').close(']');
  });
}

void CudaDevice::check(int status, const char *doing) const {
  if (status == kSuccess) return;
  const std::string text = std::string(doing) + ": " + driver_error(driver(), status);
  throw Failure(status == kOutOfMemory ? DLC_OUT_OF_MEMORY : DLC_DEVICE_LOST, text);
}

void CudaDevice::make_current() const {
  check(driver().cuCtxSetCurrent(context_), "using the card");
}

void CudaDevice::synchronize() const {
  check(driver().cuStreamSynchronize(stream_), "running on the card");
}

std::unique_ptr<Device> open_card() {
  return std::make_unique<CudaDevice>();
}

CardMemory::CardMemory(const CudaDevice &device, size_t bytes, const char *what) : device_(&device), bytes_(bytes) {
  size_t free = 0, total = 0;
  device.check(device.driver().cuMemGetInfo_v2(&free, &total), "asking for the card's memory");
  // Never empty: addresses stay apart.
  const int status = bytes > free ? kOutOfMemory : device.driver().cuMemAlloc_v2(&address_, bytes ? bytes : 1);
  if (status == kOutOfMemory)
    throw Failure(DLC_OUT_OF_MEMORY, std::string(what) + " needs " + ByteText(static_cast<double>(bytes)).c_str() +
                                         "; the card has " + ByteText(static_cast<double>(free)).c_str() + " free of " +
                                         ByteText(static_cast<double>(total)).c_str());
  device.check(status, "taking memory of the card");
  const int cleared = bytes ? device.driver().cuMemsetD8Async(address_, 0, bytes, device.stream()) : kSuccess;
  if (cleared == kSuccess) return;
  device.driver().cuMemFree_v2(address_);
  device.check(cleared, "clearing memory of the card");
}

CardMemory::~CardMemory() {
  if (!address_) return;
  device_->driver().cuStreamSynchronize(device_->stream());
  device_->driver().cuMemFree_v2(address_);
}

CardMemory &CardMemory::operator=(CardMemory &&other) noexcept {
  std::swap(device_, other.device_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

LoadedModule::LoadedModule(const CudaDevice &device, const std::string &image) : device_(&device) {
  device.check(device.driver().cuModuleLoadData(&module_, image.data()), "loading kernels");
}

LoadedModule::~LoadedModule() {
  if (module_) device_->driver().cuModuleUnload(module_);
}

LoadedModule &LoadedModule::operator=(LoadedModule &&other) noexcept {
  std::swap(device_, other.device_);
  std::swap(module_, other.module_);
  return *this;
}

Function LoadedModule::function(const std::string &name) const {
  Function found = nullptr;
  device_->check(device_->driver().cuModuleGetFunction(&found, module_, name.c_str()), "looking up a kernel");
  return found;
}

}  // namespace dlc::cuda
