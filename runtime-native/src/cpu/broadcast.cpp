// Builds broadcast views.
#include "broadcast.h"

namespace dlc {

BroadcastView broadcast_view(const std::vector<int64_t> &from, const std::vector<int64_t> &to) {
  require(from.size() <= to.size() && to.size() <= kMaxRank, "broadcasting to fewer axes");
  // Innermost first, axes of extent 1 left out; merged while the source walks on evenly.
  int64_t extent[kMaxRank];
  int64_t stride[kMaxRank];
  int rank = 0;
  int64_t step = 1;
  for (size_t i = 0; i < to.size(); ++i) {
    const int64_t wide = to[to.size() - 1 - i];
    const int64_t own = i < from.size() ? from[from.size() - 1 - i] : 1;
    require(own == wide || own == 1, "shapes do not broadcast");
    if (wide != 1) {
      const int64_t along = own == 1 ? 0 : step;
      if (rank > 0 && along == stride[rank - 1] * extent[rank - 1] && (along != 0) == (stride[rank - 1] != 0)) {
        extent[rank - 1] *= wide;
      } else {
        extent[rank] = wide;
        stride[rank] = along;
        ++rank;
      }
    }
    step *= own;
  }
  BroadcastView view;
  view.rank = rank;
  for (int axis = 0; axis < rank; ++axis) {
    view.extent[axis] = extent[rank - 1 - axis];
    view.stride[axis] = stride[rank - 1 - axis];
  }
  return view;
}

bool is_whole(const BroadcastView &view) {
  return view.rank == 0 || (view.rank == 1 && view.stride[0] == 1);
}

bool is_single(const BroadcastView &view) {
  return view.rank == 0 || (view.rank == 1 && view.stride[0] == 0);
}

}  // namespace dlc
