// The JSON text that dlc_session_describe gives.
#pragma once

#include <string>

#include "plan.h"

namespace dlc {

std::string describe_plan(const Plan &plan);

}  // namespace dlc
