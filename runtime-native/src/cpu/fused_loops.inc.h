// The table of loops, over a struct `Op<Instr>` that the including file specializes: static T apply(T...).
// Included inside an unnamed namespace; makes `loop_of<T>(instr, mask)`.

template <Instr instr, typename T, int arity, unsigned mask>
struct Loop {
  static void run(T *dst, const T *const *args, int64_t n) {
    // Numbers are read before the loop, the rest within.
    const T *const p0 = args[0];
    const T *const p1 = arity > 1 ? args[1] : p0;
    const T *const p2 = arity > 2 ? args[2] : p0;
    const T *const p3 = arity > 3 ? args[3] : p0;
    const T s0 = *p0, s1 = *p1, s2 = *p2, s3 = *p3;
    // dst is an argument or apart from it, so no element depends on another.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const T a = (mask & 1) ? s0 : p0[i];
      if constexpr (arity == 1) {
        dst[i] = Op<instr>::apply(a);
      } else {
        const T b = (mask & 2) ? s1 : p1[i];
        if constexpr (arity == 2) {
          dst[i] = Op<instr>::apply(a, b);
        } else {
          const T c = (mask & 4) ? s2 : p2[i];
          if constexpr (arity == 3) {
            dst[i] = Op<instr>::apply(a, b, c);
          } else {
            const T d = (mask & 8) ? s3 : p3[i];
            dst[i] = Op<instr>::apply(a, b, c, d);
          }
        }
      }
    }
  }
};

template <Instr instr, typename T, int arity>
FusedLoop<T> loop_of_instr(unsigned mask) {
  constexpr unsigned all = (1u << arity) - 1;
  switch (mask & all) {
#define DLC_MASK(m)                                              \
  case m:                                                        \
    if constexpr (m < all) return Loop<instr, T, arity, m>::run; \
    break;
    DLC_MASK(0)
    DLC_MASK(1)
    DLC_MASK(2)
    DLC_MASK(3)
    DLC_MASK(4)
    DLC_MASK(5)
    DLC_MASK(6)
    DLC_MASK(7)
    DLC_MASK(8)
    DLC_MASK(9)
    DLC_MASK(10)
    DLC_MASK(11)
    DLC_MASK(12)
    DLC_MASK(13)
    DLC_MASK(14)
#undef DLC_MASK
    default:
      break;
  }
  return Loop<instr, T, arity, 0>::run;
}

template <typename T>
FusedLoop<T> loop_of(Instr instr, unsigned mask) {
  switch (instr) {
#define DLC_CASE(id, word, arity) \
  case Instr::id:                 \
    return loop_of_instr<Instr::id, T, arity>(mask);
    DLC_INSTRUCTIONS(DLC_CASE)
#undef DLC_CASE
  }
  return nullptr;
}
