// What dlc-run's parts share: mistakes and their exit codes, files, the text of a type.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "plan.h"

namespace dlc {

struct UsageError {
  std::string message;
};
struct Fault {
  int exit_code;
  std::string message;
};

std::vector<std::byte> read_file(const std::string &path);
std::string type_text(const PlanTensor &tensor);
// Names may hold slashes, which make folders, but never lead out of `folder`.
std::filesystem::path file_of(const std::string &folder, std::string_view name);

}  // namespace dlc
