// Code that is compiled once for each instruction set. A file named *.isa.cpp puts its functions into
// `namespace dlc::DLC_ISA { ... }` (helpers into an unnamed namespace inside it); a header declares them with
// DLC_PER_ISA(signature;) and callers pick one with DLC_DISPATCH(function). Such files must not use inline functions
// with external linkage (most of the standard library): the linker keeps one copy of each, maybe the AVX-512 one.
#pragma once

#include "cpu_features.h"

#if defined(__x86_64__)
#define DLC_PER_ISA(...) \
  namespace baseline {   \
  __VA_ARGS__            \
  }                      \
  namespace avx2 {       \
  __VA_ARGS__            \
  }                      \
  namespace avx512 {     \
  __VA_ARGS__            \
  }
#define DLC_DISPATCH(function)                                  \
  (::dlc::isa() == ::dlc::Isa::avx512 ? ::dlc::avx512::function \
   : ::dlc::isa() == ::dlc::Isa::avx2 ? ::dlc::avx2::function   \
                                      : ::dlc::baseline::function)
#else
#define DLC_PER_ISA(...) \
  namespace baseline {   \
  __VA_ARGS__            \
  }
#define DLC_DISPATCH(function) (::dlc::baseline::function)
#endif
