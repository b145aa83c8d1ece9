// A card that plans run on: its context and stream, compiled modules, memory. Whatever the driver refuses becomes a
// Failure that says what was being done.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "cuda/cards.h"
#include "executor.h"
#include "thread_pool.h"

namespace dlc::cuda {

class CudaDevice final : public Device {
 public:
  // Throws Failure.
  CudaDevice();
  ~CudaDevice() override;
  CudaDevice(const CudaDevice &) = delete;
  CudaDevice &operator=(const CudaDevice &) = delete;

  std::string describe() const override;
  std::unique_ptr<Executor> open(std::span<const std::byte> blob) override;

  const DriverApi &driver() const { return libraries_.driver_api; }
  const Libraries &libraries() const { return libraries_; }
  const Card &card() const { return card_; }
  Stream stream() const { return stream_; }

  // Throws Failure unless the status is that of success.
  void check(int status, const char *doing) const;
  // The calling thread talks to this card from now on.
  void make_current() const;
  void synchronize() const;

  // For the CPU's kernels, which check the steps of a plan.
  ThreadPool checking{1};
  // Held while a session uses the stream.
  std::mutex busy;

 private:
  Libraries libraries_;
  Card card_;
  Context context_ = nullptr;
  Stream stream_ = nullptr;
};

// The first card that will do; throws Failure(DLC_UNSUPPORTED) with the reason where there is none.
std::unique_ptr<Device> open_card();

// Memory of the card, zeroed.
class CardMemory {
 public:
  CardMemory() = default;
  CardMemory(const CudaDevice &device, size_t bytes, const char *what);
  ~CardMemory();
  CardMemory(CardMemory &&other) noexcept { *this = std::move(other); }
  CardMemory &operator=(CardMemory &&other) noexcept;

  DevicePointer address() const { return address_; }
  size_t bytes() const { return bytes_; }

 private:
  const CudaDevice *device_ = nullptr;
  DevicePointer address_ = 0;
  size_t bytes_ = 0;
};

// Code on the card.
class LoadedModule {
 public:
  LoadedModule() = default;
  // Throws Failure.
  LoadedModule(const CudaDevice &device, const std::string &image);
  ~LoadedModule();
  LoadedModule(LoadedModule &&other) noexcept { *this = std::move(other); }
  LoadedModule &operator=(LoadedModule &&other) noexcept;

  Function function(const std::string &name) const;

 private:
  const CudaDevice *device_ = nullptr;
  Module module_ = nullptr;
};

// Machine code of a source for the card, compiled or from the cache in the user's folder, whose files may be deleted at
// any time. Throws Failure.
std::string compile(const CudaDevice &device, const std::string &source);

}  // namespace dlc::cuda
