// `workerpoolctl jobs list`: the jobs of a queue by state, a page of them.
#pragma once

#include <cstdint>
#include <string>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

struct ListRequest {
  std::string state = "all";  // or waiting, ready, alone, delayed, active, done, dead
  std::int64_t limit = 20;    // of each state
  std::int64_t offset = 0;
};

/// Answers the exit code. Throws CommandError (4: unknown queue), redis::Error.
int jobs_list(Session& session, const ListRequest& request, Format format);

}  // namespace wp::ctl
