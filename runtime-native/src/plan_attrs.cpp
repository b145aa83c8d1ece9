// Typed access to a step's attributes. A kernel asks for what it needs; anything else is the plan's fault.
#include <algorithm>
#include <cmath>

#include "plan.h"

namespace dlc {
namespace {

enum Kind : uint8_t { kNumber = 0, kNumbers = 1, kString = 2, kBool = 4 };

int64_t to_integer(double value, std::string_view key) {
  // Up to 2^53 doubles hold integers exactly.
  if (!(std::fabs(value) <= 9007199254740992.0) || value != std::trunc(value))
    throw Failure(DLC_BAD_PLAN, "attribute '" + std::string(key) + "' is not an integer");
  return static_cast<int64_t>(value);
}

}  // namespace

const PlanAttr *PlanAttrs::find(std::string_view key) const {
  const auto at = std::find_if(entries.begin(), entries.end(), [&](const PlanAttr &attr) { return attr.key == key; });
  return at == entries.end() ? nullptr : &*at;
}

const PlanAttr &PlanAttrs::get(std::string_view key, uint8_t kind, const char *kind_name) const {
  const PlanAttr *attr = find(key);
  if (!attr) throw Failure(DLC_BAD_PLAN, "attribute '" + std::string(key) + "' is missing");
  if (attr->kind != kind) throw Failure(DLC_BAD_PLAN, "attribute '" + std::string(key) + "' is not a " + kind_name);
  return *attr;
}

bool PlanAttrs::has(std::string_view key) const {
  return find(key) != nullptr;
}

double PlanAttrs::number(std::string_view key) const {
  return get(key, kNumber, "number").number;
}

double PlanAttrs::number(std::string_view key, double otherwise) const {
  return has(key) ? number(key) : otherwise;
}

int64_t PlanAttrs::integer(std::string_view key) const {
  return to_integer(number(key), key);
}

bool PlanAttrs::boolean(std::string_view key) const {
  return get(key, kBool, "boolean").number != 0;
}

bool PlanAttrs::boolean(std::string_view key, bool otherwise) const {
  return has(key) ? boolean(key) : otherwise;
}

std::string_view PlanAttrs::string(std::string_view key) const {
  return get(key, kString, "string").text;
}

std::string_view PlanAttrs::string(std::string_view key, std::string_view otherwise) const {
  return has(key) ? string(key) : otherwise;
}

std::vector<double> PlanAttrs::numbers(std::string_view key) const {
  return get(key, kNumbers, "list of numbers").numbers;
}

std::vector<int64_t> PlanAttrs::integers(std::string_view key) const {
  const PlanAttr &attr = get(key, kNumbers, "list of numbers");
  std::vector<int64_t> values;
  values.reserve(attr.numbers.size());
  for (const double value : attr.numbers) values.push_back(to_integer(value, key));
  return values;
}

}  // namespace dlc
