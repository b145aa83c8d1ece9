// Status and the message that goes with it. Kernels and the executor return these; nothing is thrown while stepping.
#pragma once

#include <stdexcept>
#include <string>

#include "dlc.h"

namespace dlc {

// Thrown while a plan is loaded or a kernel is prepared, never while it runs; the C ABI turns it into a status.
class Failure : public std::runtime_error {
 public:
  Failure(dlc_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
  dlc_status status() const { return status_; }

 private:
  dlc_status status_;
};

}  // namespace dlc
