// A suite is a folder of cases, each a folder with
//   plan                              the blob
//   cases.txt                         a line for each program to run, in order: NAME STEPS TOLERANCE
//   states/<state>.npy                what the states hold at first; those that are not there hold 0
//   <program>/inputs/<input>.npy      STEPS tensors along a first axis, or one for all steps
//   <program>/outputs/<output>.npy    what it should give, of all steps; those that are not there are not compared
//   <program>/states/<state>.npy      what states should hold afterwards
// Floating-point tensors agree where they differ by no more than TOLERANCE times the largest magnitude, others where
// they are the same. Nothing but this tool is needed where it runs.
#pragma once

#include <cstdint>
#include <string>

namespace dlc {

// Runs every case twice, which should give the same bytes; 0 where all agree, 1 where one does not, 3 where none could
// run. A case with an op that the device has no kernel for is skipped, in words.
int run_suite(const std::string &folder, const std::string &device, uint32_t threads);

}  // namespace dlc
