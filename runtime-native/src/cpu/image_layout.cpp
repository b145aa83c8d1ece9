// Reading the attribute `layout` and the shapes that it turns.
#include "image_layout.h"

namespace dlc {

bool channels_last(const Attrs &attrs) {
  if (!attrs.has("layout")) return false;
  require(attrs.string("layout") == "channels_last", "the only layout with a name is channels_last");
  return true;
}

std::vector<int64_t> logical_image(const std::vector<int64_t> &shape, bool last) {
  if (!last) return shape;
  require(shape.size() >= 3 && shape.size() <= 5, "channels_last is for images of one to three spatial axes");
  std::vector<int64_t> logical = {shape.front(), shape.back()};
  logical.insert(logical.end(), shape.begin() + 1, shape.end() - 1);
  return logical;
}

}  // namespace dlc
