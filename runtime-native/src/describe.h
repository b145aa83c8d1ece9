// The JSON texts that dlc_runtime_describe and dlc_session_describe give.
#pragma once

#include <string>

#include "executor.h"

namespace dlc {

std::string describe_device(const Device &device);
std::string describe_plan(const Plan &plan);

}  // namespace dlc
