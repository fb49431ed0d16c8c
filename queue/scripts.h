// The operations' scripts, one of each per process; the text of each is made at its first use.
#pragma once

#include "queue/redis/script.h"

namespace wp::queue {

struct Scripts {
  redis::Script enqueue{"enqueue"};
  redis::Script step{"step"};
  redis::Script beat{"beat"};
  redis::Script release{"release"};
  redis::Script register_worker{"register"};
  redis::Script config{"config"};
  redis::Script orphan{"orphan"};
  redis::Script counts{"counts"};
  redis::Script retire{"retire"};
  redis::Script unretire{"unretire"};
  redis::Script reclaim{"reclaim"};
  redis::Script trim{"trim"};
  redis::Script cancel{"cancel"};
  redis::Script promote{"promote"};
  redis::Script reprioritise{"reprioritise"};
  redis::Script redrive{"redrive"};
  redis::Script remove{"remove"};
  redis::Script purge{"purge"};
  redis::Script pause{"pause"};
  redis::Script job{"job"};
  redis::Script list{"list"};
  redis::Script check{"check"};
};

const Scripts& scripts();

}  // namespace wp::queue
