// The words of workerpoolctl: which verbs there are, what each takes, and its help. What they do
// is in a file each.
#pragma once

#include <string>
#include <vector>

#include "base/options.h"
#include "ctl/doctor/doctor.h"
#include "ctl/enqueue.h"
#include "ctl/jobs_list.h"
#include "ctl/jobs_manage.h"
#include "ctl/pools/source.h"
#include "ctl/simulate/request.h"
#include "queue/redis/settings.h"

namespace wp::ctl {

/// All that a command line may say; a verb reads what is its own.
struct Arguments {
  redis::Settings redis;
  std::string queue;
  std::string output = "table";
  EnqueueRequest enqueue;
  ListRequest list;
  ManageRequest manage;
  DoctorRequest doctor;
  PoolsRequest pools;
  simulate::Request simulate;
  std::string by;                  // queue pause
  std::string state;               // queue purge
  std::string first;               // QUEUE, or the name of a script
  std::string second;              // the job's id
  std::vector<std::string> words;  // [QUEUE] and ids or pods
  bool sha1 = false;
  bool wide = false;  // workers list
};

void declare_commands(Options& options, Arguments& arguments);

}  // namespace wp::ctl
