// `workerpoolctl jobs cancel, promote, redrive, remove, reprioritise`: by id, as many as wanted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

struct ManageRequest {
  std::string verb;  // the word behind `jobs`
  std::vector<std::string> ids;
  bool all = false;            // redrive: every dead job
  std::int64_t priority = -1;  // reprioritise; negative: not given
};

/// Refuses what means nothing. Throws UsageError.
void check_request(const ManageRequest& request);

/// What became of each. Answers 0 when all were changed, 4 when there is no such job among them,
/// else 1 when some were left as they are. Throws CommandError (4: unknown queue), redis::Error.
int jobs_manage(Session& session, const ManageRequest& request, Format format);

}  // namespace wp::ctl
