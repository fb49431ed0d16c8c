// `workerpoolctl doctor`: a look at all that has to be right before jobs are left to a Redis, one
// line each, with what to do.
#pragma once

#include <string>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

struct DoctorRequest {
  std::string queue;            // empty: every queue that is found
  std::string role = "person";  // whose rights the user needs
  bool deep = false;            // CHECK of large queues, too
};

/// Prints the findings. Answers 0, or 1 when something failed: also when Redis is away, for that is
/// a finding as well.
int doctor(const DoctorRequest& request, const Target& target, Format format);

}  // namespace wp::ctl
