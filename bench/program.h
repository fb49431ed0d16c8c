// What both programs of this folder are: a list of measures by name, run one by one or all, printed
// and written as JSON, and two such files compared. main() only.
#pragma once

#include <span>

#include "bench/measures.h"

namespace wp::bench {

struct Measure {
  const char* name;
  const char* about;
  void (*run)(const Effort&, Report&);
};

struct Suite {
  const char* name;
  const char* about;
  const char* epilog;
  std::span<const Measure> measures;
  Effort effort = {};  // when the command line says nothing
};

/// Answers the exit code.
int bench_program(int argc, char** argv, const Suite& suite);

}  // namespace wp::bench
