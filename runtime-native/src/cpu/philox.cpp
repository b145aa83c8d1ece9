// One Philox block at a time.
#include "philox.h"

namespace dlc {

void philox_block(const PhiloxStream &at, uint32_t block, uint32_t attempt, uint32_t lanes[4]) {
  uint32_t c0 = block, c1 = attempt, c2 = at.stream, c3 = at.step;
  uint32_t k0 = at.key[0], k1 = at.key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  lanes[0] = c0;
  lanes[1] = c1;
  lanes[2] = c2;
  lanes[3] = c3;
}

}  // namespace dlc
